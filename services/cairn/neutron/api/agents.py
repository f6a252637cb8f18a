"""/agents, and what they carry: for operators"""

from typing import Any

from werkzeug.datastructures import MultiDict

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.neutron.api import networks, routers, views
from cairn.neutron.api.queries import ONE, filtered, listed
from cairn.neutron.api.schemas import (
    AGENT_UPDATE,
    NETWORK_OF_AGENT,
    ROUTER_OF_AGENT,
    read_requests,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core import agents, scheduling
from cairn.neutron.core.kinds import AGENT
from cairn.neutron.core.listing import Query, check_names, read_listing
from cairn.neutron.core.values import parse_boolean
from cairn.neutron.policy import RULES

api = Api(RULES)

ZONE_FILTERS = ("name", "resource", "state")


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


@api.get("/agents", policy=ANYONE, query=listed(AGENT, "alive"))
def index(neutron: Neutron, ctx: Context, query: MultiDict[str, str]) -> Document:
    """List the agents of the cloud's hosts; an empty list for whoever is not an administrator."""
    if not neutron.policy.allows(ctx, "get_agent"):
        return {"agents": []}
    rest = query.copy()
    alive = {parse_boolean("alive", text) for text in rest.poplist("alive")}
    rows = agents.list_agents(neutron, ctx, read_listing(AGENT, rest))
    documents = [view(neutron, row) for row in rows]
    return {"agents": [views.choose(document, query.getlist("fields")) for document in documents
                       if not alive or document["alive"] in alive]}


@api.get("/agents/<agent_id>", policy="get_agent", query=ONE)
def show(neutron: Neutron, ctx: Context, agent_id: str, query: Query) -> Document:
    """Show one agent; it is `alive` while its host was heard of lately."""
    document = view(neutron, agents.find_agent(neutron, ctx, agent_id))
    return {"agent": views.choose(document, query.getlist("fields"))}


@api.put("/agents/<agent_id>", policy="update_agent", body=AGENT_UPDATE,
         event="agent.update")
def change(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    """Describe an agent or switch it off: it then keeps what it has, and gets nothing new."""
    request, = read_requests(body, "agent")
    return {"agent": view(neutron, agents.change_agent(neutron, ctx, agent_id, request))}


@api.delete("/agents/<agent_id>", policy="delete_agent", status=204,
            event="agent.delete")
def delete(neutron: Neutron, ctx: Context, agent_id: str) -> None:
    """Forget an agent; if it lives, its next report brings it back."""
    scheduling.delete_agent(neutron, ctx, agent_id)


@api.get("/agents/<agent_id>/dhcp-networks", policy="get_dhcp-networks")
def dhcp_networks(neutron: Neutron, ctx: Context, agent_id: str) -> Document:
    """List the networks whose DHCP the agent's host serves."""
    items = scheduling.list_dhcp_networks(neutron, ctx, agent_id)
    return {"networks": [views.show(item, networks.view) for item in items]}


@api.post("/agents/<agent_id>/dhcp-networks", policy="create_dhcp-network",
          body=NETWORK_OF_AGENT, status=201, event="dhcp_agent.network.add")
def add_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    """Have a DHCP agent serve a network, beside the agents that serve it already."""
    scheduling.add_dhcp_network(neutron, ctx, agent_id, body["network_id"])
    return {}


@api.delete("/agents/<agent_id>/dhcp-networks/<network_id>", policy="delete_dhcp-network",
            status=204, event="dhcp_agent.network.remove")
def remove_dhcp_network(neutron: Neutron, ctx: Context, agent_id: str, network_id: str) -> None:
    """Take a network from a DHCP agent, with the port it had there."""
    scheduling.remove_dhcp_network(neutron, ctx, agent_id, network_id)


@api.get("/networks/<network_id>/dhcp-agents", policy="get_dhcp-agents")
def dhcp_agents(neutron: Neutron, ctx: Context, network_id: str) -> Document:
    """List the DHCP agents that serve a network."""
    rows = scheduling.list_dhcp_agents(neutron, ctx, network_id)
    return {"agents": [view(neutron, row) for row in rows]}


@api.get("/agents/<agent_id>/l3-routers", policy="get_l3-routers")
def l3_routers(neutron: Neutron, ctx: Context, agent_id: str) -> Document:
    """List the routers that an L3 agent carries."""
    items = scheduling.list_l3_routers(neutron, ctx, agent_id)
    return {"routers": [views.show(item, routers.view) for item in items]}


@api.post("/agents/<agent_id>/l3-routers", policy="create_l3-router", body=ROUTER_OF_AGENT,
          status=201, event="l3_agent.router.add")
def add_l3_router(neutron: Neutron, ctx: Context, agent_id: str, body: Document) -> Document:
    """Give a router that no host carries to an L3 agent; 409 where another carries it."""
    scheduling.add_l3_router(neutron, ctx, agent_id, body["router_id"])
    return {}


@api.delete("/agents/<agent_id>/l3-routers/<router_id>", policy="delete_l3-router", status=204,
            event="l3_agent.router.remove")
def remove_l3_router(neutron: Neutron, ctx: Context, agent_id: str, router_id: str) -> None:
    """Take a router from an L3 agent; where no other agent is asked to take it, it stays down."""
    scheduling.remove_l3_router(neutron, ctx, agent_id, router_id)


@api.get("/routers/<router_id>/l3-agents", policy="get_l3-agents")
def l3_agents(neutron: Neutron, ctx: Context, router_id: str) -> Document:
    """List the L3 agents that carry a router: one, or none."""
    rows = scheduling.list_l3_agents(neutron, ctx, router_id)
    return {"agents": [{**view(neutron, row), "ha_state": None} for row in rows]}


@api.get("/availability_zones", policy="get_availability_zone", query=filtered(*ZONE_FILTERS))
def zones(neutron: Neutron, ctx: Context, query: Query) -> Document:
    """List the availability zones that routers and networks (their DHCP) can be in."""
    check_names(query, ZONE_FILTERS)
    documents = [
        {"name": name, "resource": resource, "state": "available" if up else "unavailable"}
        for (name, resource), up in sorted(agents.list_zones(neutron).items())
    ]
    for name in ZONE_FILTERS:
        if values := query.getlist(name):
            documents = [d for d in documents if d[name] in values]
    fields = query.getlist("fields")
    return {"availability_zones": [views.choose(document, fields) for document in documents]}
