"""What hosts say of themselves, and which of them can take something on."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import new_id, utcnow
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import AGENT, AGENTS, claim, find
from cairn.neutron.core.listing import Listing, page
from cairn.neutron.core.write import Write, write
from cairn.neutron.settings import NetworkSettings

L2, L3, DHCP, METADATA = (
    "Linux bridge agent", "L3 agent", "DHCP agent", "Metadata agent",
)


def alive(settings: NetworkSettings, agent: Row[Any]) -> bool:
    """Whether it was heard of lately."""
    silence = utcnow() - agent.heartbeat_at
    return bool(silence < dt.timedelta(seconds=settings.agent_down_time))


def on(session: Session, host: str, kind: str) -> Row[Any] | None:
    """The host's agent of a kind (L2, L3, DHCP, METADATA), None if it has none."""
    return session.execute(
        select(AGENTS).where(AGENTS.c.host == host, AGENTS.c.agent_type == kind)
    ).first()


def ready(session: Session, neutron: Neutron, kind: str) -> Sequence[Row[Any]]:
    """Agents of a kind that live and are not switched off."""
    agents = session.execute(
        select(AGENTS).where(AGENTS.c.agent_type == kind, AGENTS.c.admin_state_up.is_(True))
    ).all()
    return [agent for agent in agents if alive(neutron.settings, agent)]


def living(session: Session, settings: NetworkSettings, kind: str) -> list[str]:
    """The hosts of the agents of a kind that were heard of lately."""
    agents = session.execute(select(AGENTS).where(AGENTS.c.agent_type == kind)).all()
    return [agent.host for agent in agents if alive(settings, agent)]


def list_agents(neutron: Neutron, ctx: Context, listing: Listing) -> Sequence[Row[Any]]:
    """Raises Invalid."""
    with neutron.db.reading() as session:
        return page(session, ctx, AGENT, listing).rows


def find_agent(neutron: Neutron, ctx: Context, id: str) -> Row[Any]:
    """Raises AgentNotFound."""
    with neutron.db.reading() as session:
        return find(session, ctx, AGENT, id)


def change_agent(
    neutron: Neutron, ctx: Context, id: str, values: Mapping[str, Any]
) -> Row[Any]:
    """The row as it is now. Raises AgentNotFound."""

    def work(w: Write) -> Row[Any]:
        claim(w.session, ctx, AGENT, id)
        if values:
            w.session.execute(update(AGENTS).where(AGENTS.c.id == id).values(**values))
        agent = find(w.session, ctx, AGENT, id)
        w.record("agent", "update", agent)
        return agent

    return write(neutron, ctx, work)


def list_zones(neutron: Neutron) -> dict[tuple[str, str], bool]:
    """Where routers and networks (their DHCP) can be: whether (zone, "router" or "network") has a
    host for it now."""
    kinds = {L3: "router", DHCP: "network"}
    zones: dict[tuple[str, str], bool] = {}
    with neutron.db.reading() as session:
        for row in session.execute(select(AGENTS).where(AGENTS.c.agent_type.in_(list(kinds)))):
            key = (row.availability_zone, kinds[row.agent_type])
            up = row.admin_state_up and alive(neutron.settings, row)
            zones[key] = zones.get(key, False) or up
    return zones


def reaches(agent: Row[Any], network: Any) -> bool:
    """Whether the host of an L2 agent can carry the network."""
    if network.network_type in ("flat", "vlan"):
        return network.physical_network in agent.configurations.get("bridge_mappings", {})
    return True


def tunnels(session: Session) -> dict[str, str]:
    """Where each host's tunnels end."""
    rows = session.execute(
        select(AGENTS.c.host, AGENTS.c.tunnel_ip)
        .where(AGENTS.c.agent_type == L2, AGENTS.c.tunnel_ip != "")
    )
    return dict(rows.all())


def report(
    w: Write, node: str, tunnel_ip: str, started: bool, agents: Sequence[Mapping[str, Any]]
) -> bool:
    """Write down that a host lives. Whether that changes what others may count on: it is new, was
    given up, came back after a restart, or moved."""
    settings, now = w.neutron.settings, utcnow()
    existing = {row.agent_type: row for row in w.session.execute(
        select(AGENTS).where(AGENTS.c.host == node).with_for_update()
    )}
    news = started
    same: list[str] = []
    for agent in agents:
        configurations = dict(agent.get("configurations") or {})
        values = {
            "binary": agent["binary"], "configurations": configurations, "tunnel_ip": tunnel_ip,
            "heartbeat_at": now,
        }
        row = existing.get(agent["agent_type"])
        if row is None:
            try:
                w.session.execute(insert(AGENTS).values(
                    id=new_id(), agent_type=agent["agent_type"], host=node, created_at=now,
                    started_at=now, topic="neutron.agent", description="", admin_state_up=True,
                    availability_zone="" if agent["agent_type"] == METADATA
                    else settings.availability_zone, **values,
                ))
            except IntegrityError:
                # Reported twice at once: the other report says the same.
                continue
            news = True
            continue
        if not started and all(getattr(row, name) == value for name, value in values.items()
                               if name != "heartbeat_at"):
            same.append(row.id)
            news = news or not alive(settings, row)
            continue
        if started:
            values["started_at"] = now
        news = news or not alive(settings, row) or row.tunnel_ip != tunnel_ip \
            or row.configurations != configurations
        w.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(**values))
    if same:
        w.session.execute(
            update(AGENTS).where(AGENTS.c.id.in_(same)).values(heartbeat_at=now))
    return news
