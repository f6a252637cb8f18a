"""/agents, and what they carry: for operators"""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.api import common, networks, routers
from cairn.neutron.api.schemas import (
    AGENT_UPDATE,
    NETWORK_OF_AGENT,
    QUERY,
    ROUTER_OF_AGENT,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core import agents, dhcp
from cairn.neutron.core import routers as core
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
from cairn.neutron.core.listing import page
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

api = Api(RULES)


def view(neutron: Neutron, row: Any) -> Document:
    return {
        "id": row.id, "agent_type": row.agent_type, "binary": row.binary, "topic": row.topic,
        "host": row.host, "admin_state_up": row.admin_state_up,
        "alive": agents.alive(neutron.settings, row), "description": row.description or None,
        "availability_zone": row.availability_zone or None,
        "configurations": row.configurations, "resource_versions": {},
        "created_at": f"{row.created_at:%Y-%m-%d %H:%M:%S}",
        "started_at": f"{row.started_at:%Y-%m-%d %H:%M:%S}",
        "heartbeat_timestamp": f"{row.heartbeat_at:%Y-%m-%d %H:%M:%S}",
        "resources_synced": None,
    }


@api.get("/agents", policy=ANYONE, query=QUERY)
def index(neutron: Neutron, ctx: Context, query: Any) -> Document:
    """Those the caller may see: to whom they are no business there are none, as upstream has it."""
    if not neutron.policy.allows(ctx, "get_agent"):
        return {"agents": []}
    alive = query.get("alive")
    given = query.copy()
    given.pop("alive", None)
    with neutron.db.reading() as session:
        rows = page(session, ctx, AGENT, common.listing(AGENT, given))
    documents = [view(neutron, row) for row in rows]
    if alive is not None:
        documents = [d for d in documents if str(d["alive"]).lower() == alive.lower()]
    return {"agents": [common.chosen(d, query.getlist("fields")) for d in documents]}


@api.get("/agents/<agent_id>", policy="get_agent", query=QUERY)
def show(neutron: Neutron, ctx: Context, agent_id: str, query: Any) -> Document:
    with neutron.db.reading() as session:
        document = view(neutron, find(session, ctx, AGENT, agent_id))
    return {"agent": common.chosen(document, query.getlist("fields"))}


@api.put("/agents/<agent_id>", policy="update_agent", body=AGENT_UPDATE)
def change(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    """An agent switched off keeps what it has, and gets nothing new."""
    wanted = common.normal(body["agent"])

    def work(w: Write) -> Document:
        find(w.session, ctx, AGENT, agent_id)
        if wanted:
            w.session.execute(update(AGENTS).where(AGENTS.c.id == agent_id).values(**wanted))
        return view(neutron, find(w.session, ctx, AGENT, agent_id))

    return {"agent": write(neutron, ctx, work)}


@api.delete("/agents/<agent_id>", policy="delete_agent", status=204)
def delete(neutron: Neutron, ctx: Context, agent_id: str) -> None:
    """Forget it; if it lives, its next report brings it back."""

    def work(w: Write) -> None:
        find(w.session, ctx, AGENT, agent_id)
        w.session.execute(AGENTS.delete().where(AGENTS.c.id == agent_id))

    write(neutron, ctx, work)


def _agent(session: Session, ctx: Context, agent_id: str, kind: str) -> Row[Any]:
    agent = find(session, ctx, AGENT, agent_id)
    if agent.agent_type != kind:
        wrong = errors.InvalidL3Agent if kind == agents.L3 else errors.DhcpAgentNotFound
        raise wrong(id=agent_id)
    return agent


@api.get("/agents/<agent_id>/dhcp-networks", policy="get_dhcp-networks")
def dhcp_networks(neutron: Neutron, ctx: Context, agent_id: str) -> Document:
    with neutron.db.reading() as session:
        host = find(session, ctx, AGENT, agent_id).host
        rows = session.execute(
            select(NETWORKS).join(DHCP, DHCP.c.network_id == NETWORKS.c.id)
            .where(DHCP.c.host == host)
        ).all()
        return {"networks": networks.views(session, rows)}


@api.post("/agents/<agent_id>/dhcp-networks", policy="create_dhcp-network",
          body=NETWORK_OF_AGENT, status=201)
def add_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    def work(w: Write) -> None:
        agent = _agent(w.session, ctx, agent_id, agents.DHCP)
        network = find(w.session, ctx, NETWORK, body["network_id"])
        if not dhcp.add(w, network.id, agent.host):
            raise errors.NetworkHostedByDHCPAgent(network=network.id, agent=agent_id)
        dhcp.ensure(w, network.id)

    write(neutron, ctx, work)
    return {}


@api.delete("/agents/<agent_id>/dhcp-networks/<network_id>", policy="delete_dhcp-network",
            status=204)
def remove_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, network_id: str) -> None:
    def work(w: Write) -> None:
        agent = _agent(w.session, ctx, agent_id, agents.DHCP)
        if not dhcp.remove(w, network_id, agent.host):
            raise errors.NetworkNotHostedByDhcpAgent(network=network_id, agent=agent_id)

    write(neutron, ctx, work)


@api.get("/networks/<network_id>/dhcp-agents", policy="get_dhcp-agents")
def dhcp_agents(neutron: Neutron, ctx: Context, network_id: str) -> Document:
    with neutron.db.reading() as session:
        find(session, ctx, NETWORK, network_id)
        rows = session.execute(
            select(AGENTS).join(DHCP, DHCP.c.host == AGENTS.c.host)
            .where(DHCP.c.network_id == network_id, AGENTS.c.agent_type == agents.DHCP)
        ).all()
    return {"agents": [view(neutron, row) for row in rows]}


@api.get("/agents/<agent_id>/l3-routers", policy="get_l3-routers")
def l3_routers(neutron: Neutron, ctx: Context, agent_id: str) -> Document:
    with neutron.db.reading() as session:
        host = _agent(session, ctx, agent_id, agents.L3).host
        rows = session.execute(select(ROUTERS).where(ROUTERS.c.host == host)).all()
        return {"routers": routers.views(session, rows)}


@api.post("/agents/<agent_id>/l3-routers", policy="create_l3-router", body=ROUTER_OF_AGENT,
          status=201)
def add_l3_router(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    def work(w: Write) -> None:
        agent = _agent(w.session, ctx, agent_id, agents.L3)
        router = claim(w.session, ctx, ROUTER, body["router_id"])
        if router.host and router.host != agent.host:
            raise errors.RouterHostedByL3Agent(router=router.id, agent=router.host)
        if not router.host:
            core.move(w, router, agent.host)

    write(neutron, ctx, work)
    return {}


@api.delete("/agents/<agent_id>/l3-routers/<router_id>", policy="delete_l3-router", status=204)
def remove_l3_router(neutron: Neutron, ctx: Context, agent_id: str, router_id: str) -> None:
    """Where no other agent is asked to take it, it stays down."""

    def work(w: Write) -> None:
        agent = _agent(w.session, ctx, agent_id, agents.L3)
        router = claim(w.session, ctx, ROUTER, router_id)
        if router.host != agent.host:
            raise errors.RouterNotHostedByL3Agent(router=router_id, agent=agent_id)
        core.move(w, router, "")

    write(neutron, ctx, work)


@api.get("/routers/<router_id>/l3-agents", policy="get_l3-agents")
def l3_agents(neutron: Neutron, ctx: Context, router_id: str) -> Document:
    with neutron.db.reading() as session:
        router = find(session, ctx, ROUTER, router_id)
        rows = session.execute(select(AGENTS).where(
            AGENTS.c.host == router.host, AGENTS.c.agent_type == agents.L3)).all()
    return {"agents": [{**view(neutron, row), "ha_state": None} for row in rows]}


@api.get("/availability_zones", policy="get_availability_zone", query=QUERY)
def zones(neutron: Neutron, ctx: Context, query: Any) -> Document:
    """Where routers and networks (their DHCP) can be."""
    found: dict[tuple[str, str], bool] = {}
    kinds = {agents.L3: "router", agents.DHCP: "network"}
    with neutron.db.reading() as session:
        for row in session.execute(select(AGENTS).where(AGENTS.c.agent_type.in_(list(kinds)))):
            key = (row.availability_zone, kinds[row.agent_type])
            up = row.admin_state_up and agents.alive(neutron.settings, row)
            found[key] = found.get(key, False) or up
    documents = [
        {"name": name, "resource": resource, "state": "available" if up else "unavailable"}
        for (name, resource), up in sorted(found.items())
    ]
    for name in ("name", "resource", "state"):
        if values := query.getlist(name):
            documents = [d for d in documents if d[name] in values]
    return {"availability_zones": documents}
