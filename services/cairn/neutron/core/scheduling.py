"""Which agent carries what: networks' DHCP and routers, by an operator's hand."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core import agents, dhcp, networks, routers
from cairn.neutron.core.kinds import (
    AGENT,
    AGENTS,
    DHCP,
    NETWORK,
    NETWORKS,
    ROUTER,
    ROUTERS,
    claim,
    find,
)
from cairn.neutron.core.resources import Item, items_of
from cairn.neutron.core.write import Write, write


def delete_agent(neutron: Neutron, ctx: Context, id: str) -> None:
    """Forget it; what it carried is carried by another where there is one. If it lives, its next
    report brings it back. Raises AgentNotFound."""

    def work(w: Write) -> None:
        agent = claim(w.session, ctx, AGENT, id)
        w.session.execute(AGENTS.delete().where(AGENTS.c.id == id))
        w.record("agent", "delete", agent)
        if agent.agent_type == agents.DHCP:
            for network_id in w.session.scalars(
                select(DHCP.c.network_id).where(DHCP.c.host == agent.host)
            ).all():
                dhcp.remove(w, network_id, agent.host)
                dhcp.ensure(w, network_id)
        if agent.agent_type == agents.L3:
            for router in w.session.execute(
                select(ROUTERS).where(ROUTERS.c.host == agent.host).with_for_update()
            ).all():
                routers.move(w, router, "")
            routers.catch_up(w)

    write(neutron, ctx, work)


def _taker(session: Session, ctx: Context, id: str, kind: str) -> Row[Any]:
    """The agent, if it is of the kind and takes something new on."""
    agent = find(session, ctx, AGENT, id)
    if agent.agent_type != kind or not agent.admin_state_up:
        raise (errors.InvalidL3Agent if kind == agents.L3 else errors.InvalidDHCPAgent)(id)
    return agent


def _record(w: Write, type_: str, agent: Row[Any], resource_id: str) -> None:
    w.record_event(type_, "agent", agent.id, {
        "agent": {"id": resource_id, "host": agent.host, "agent_id": agent.id}}, "")


def list_dhcp_networks(neutron: Neutron, ctx: Context, agent_id: str) -> list[Item]:
    """The networks that the host of a DHCP agent serves; an agent of another kind has none. Raises
    AgentNotFound."""
    with neutron.db.reading() as session:
        agent = find(session, ctx, AGENT, agent_id)
        if agent.agent_type != agents.DHCP:
            return []
        rows = session.execute(
            select(NETWORKS).join(DHCP, DHCP.c.network_id == NETWORKS.c.id)
            .where(DHCP.c.host == agent.host)
        ).all()
        return items_of(neutron, ctx, networks.RESOURCE, session, rows)


def add_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, network_id: str) -> None:
    """Raises AgentNotFound, InvalidDHCPAgent, NetworkNotFound, NetworkHostedByDHCPAgent."""

    def work(w: Write) -> None:
        agent = _taker(w.session, ctx, agent_id, agents.DHCP)
        network = find(w.session, ctx, NETWORK, network_id)
        if not dhcp.add(w, network.id, agent.host):
            raise errors.NetworkHostedByDHCPAgent(network=network.id, agent=agent_id)
        dhcp.ensure(w, network.id)
        _record(w, "dhcp_agent.network.add", agent, network_id)

    write(neutron, ctx, work)


def remove_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, network_id: str) -> None:
    """Raises AgentNotFound, NetworkNotHostedByDhcpAgent."""

    def work(w: Write) -> None:
        agent = find(w.session, ctx, AGENT, agent_id)
        if agent.agent_type != agents.DHCP or not dhcp.remove(w, network_id, agent.host):
            raise errors.NetworkNotHostedByDhcpAgent(network=network_id, agent=agent_id)
        _record(w, "dhcp_agent.network.remove", agent, network_id)

    write(neutron, ctx, work)


def list_dhcp_agents(neutron: Neutron, ctx: Context, network_id: str) -> Sequence[Row[Any]]:
    """The agents that serve the network. Raises NetworkNotFound."""
    with neutron.db.reading() as session:
        find(session, ctx, NETWORK, network_id)
        return session.execute(
            select(AGENTS).join(DHCP, DHCP.c.host == AGENTS.c.host)
            .where(DHCP.c.network_id == network_id, AGENTS.c.agent_type == agents.DHCP)
        ).all()


def list_l3_routers(neutron: Neutron, ctx: Context, agent_id: str) -> list[Item]:
    """The routers on the host of an L3 agent; an agent of another kind has none. Raises
    AgentNotFound."""
    with neutron.db.reading() as session:
        agent = find(session, ctx, AGENT, agent_id)
        if agent.agent_type != agents.L3:
            return []
        rows = session.execute(select(ROUTERS).where(ROUTERS.c.host == agent.host)).all()
        return items_of(neutron, ctx, routers.RESOURCE, session, rows)


def add_l3_router(neutron: Neutron, ctx: Context, agent_id: str, router_id: str) -> None:
    """Raises AgentNotFound, InvalidL3Agent, RouterNotFound, RouterHostedByL3Agent."""

    def work(w: Write) -> None:
        agent = _taker(w.session, ctx, agent_id, agents.L3)
        router = claim(w.session, ctx, ROUTER, router_id)
        if router.host and router.host != agent.host:
            raise errors.RouterHostedByL3Agent(router=router.id, agent=router.host)
        if not router.host:
            routers.move(w, router, agent.host)
        _record(w, "l3_agent.router.add", agent, router_id)

    write(neutron, ctx, work)


def remove_l3_router(neutron: Neutron, ctx: Context, agent_id: str, router_id: str) -> None:
    """Where no other agent is asked to take it, it stays down. Raises AgentNotFound,
    RouterNotFound, RouterNotHostedByL3Agent."""

    def work(w: Write) -> None:
        agent = find(w.session, ctx, AGENT, agent_id)
        router = claim(w.session, ctx, ROUTER, router_id)
        if agent.agent_type != agents.L3 or router.host != agent.host:
            raise errors.RouterNotHostedByL3Agent(router=router_id, agent=agent_id)
        routers.move(w, router, "")
        _record(w, "l3_agent.router.remove", agent, router_id)

    write(neutron, ctx, work)


def list_l3_agents(neutron: Neutron, ctx: Context, router_id: str) -> Sequence[Row[Any]]:
    """The agents that carry the router: one or none. Raises RouterNotFound."""
    with neutron.db.reading() as session:
        router = find(session, ctx, ROUTER, router_id)
        return session.execute(select(AGENTS).where(
            AGENTS.c.host == router.host, AGENTS.c.agent_type == agents.L3)).all()
