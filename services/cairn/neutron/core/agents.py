"""What hosts say of themselves, and which of them can take something on."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import new_id, utcnow
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import AGENTS
from cairn.neutron.core.write import Write
from cairn.neutron.settings import NetworkSettings

L2, L3, DHCP, METADATA = (
    "Linux bridge agent", "L3 agent", "DHCP agent", "Metadata agent",
)


def alive(settings: NetworkSettings, agent: Row[Any]) -> bool:
    """Whether it was heard of lately."""
    silence = utcnow() - agent.heartbeat_at
    return bool(silence < dt.timedelta(seconds=settings.agent_down_time))


def on(session: Session, host: str, kind: str) -> Row[Any] | None:
    return session.execute(
        select(AGENTS).where(AGENTS.c.host == host, AGENTS.c.agent_type == kind)
    ).first()


def ready(session: Session, neutron: Neutron, kind: str) -> Sequence[Row[Any]]:
    """Agents of a kind that live and are not switched off."""
    found = session.execute(
        select(AGENTS).where(AGENTS.c.agent_type == kind, AGENTS.c.admin_state_up.is_(True))
    ).all()
    return [agent for agent in found if alive(neutron.settings, agent)]


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
    known = {row.agent_type: row for row in w.session.execute(
        select(AGENTS).where(AGENTS.c.host == node).with_for_update()
    )}
    news = started
    for agent in agents:
        configurations = dict(agent.get("configurations") or {})
        values = {
            "binary": agent["binary"], "configurations": configurations, "tunnel_ip": tunnel_ip,
            "heartbeat_at": now,
        }
        row = known.get(agent["agent_type"])
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
        if started:
            values["started_at"] = now
        news = news or not alive(settings, row) or row.tunnel_ip != tunnel_ip \
            or row.configurations != configurations
        w.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(**values))
    return news
