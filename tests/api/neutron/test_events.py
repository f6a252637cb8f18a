"""What events tell: each change of a resource once, in the transaction that makes it."""

import pytest

from cairn.common.context import Context
from cairn.neutron.db.models import Event, EventReader


@pytest.fixture
def told(neutron, follow):
    """told() -> the events since the last time."""
    return follow(neutron.db, Event, EventReader)


def types(events):
    return [event.type for event in events]


def test_a_port_from_its_making_to_its_end(api, net, subnet, hosts, manager, told):
    api.get("alice", "/security-groups")
    told()
    port = api.made("nova", "/ports", network_id=net["id"], project_id="red",
                    **{"binding:host_id": "cmp1"})
    made, = told()
    assert (made.type, made.resource_type, made.resource_id) == (
        "port.create.end", "port", port["id"])
    assert (made.project_id, made.user_id) == ("red", "nova")
    assert made.payload["port"]["fixed_ips"] == port["fixed_ips"]
    manager.ports_up(Context(), "cmp1", [port["id"]])
    manager.ports_up(Context(), "cmp1", [port["id"]])
    up, = told()
    assert up.type == "port.update.end" and up.payload["port"]["status"] == "ACTIVE"
    api.changed("alice", f"/ports/{port['id']}", name="x")
    api.gone("alice", f"/ports/{port['id']}")
    changed, gone = told()
    assert changed.payload["port"]["name"] == "x"
    assert gone.type == "port.delete.end" and gone.payload["port_id"] == port["id"]


def test_what_goes_along_is_told_too(api, net, subnet, public, told):
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    port = api.made("alice", "/ports", network_id=net["id"])
    floating = api.made("alice", "/floatingips", floating_network_id=public["id"],
                        port_id=port["id"])
    told()
    api.gone("alice", f"/ports/{port['id']}")
    loose, gone = told()
    assert (loose.type, loose.resource_id) == ("floatingip.update.end", floating["id"])
    assert loose.payload["floatingip"]["port_id"] is None
    assert gone.type == "port.delete.end"
    api("PUT", "alice", f"/routers/{router['id']}/remove_router_interface",
        {"subnet_id": subnet["id"]})
    assert types(told()) == ["port.delete.end", "router.interface.delete.end"]
    api.gone("alice", f"/networks/{net['id']}")
    assert types(told()) == ["subnet.delete.end", "network.delete.end"]


def test_what_is_refused_is_told_to_nobody(api, net, subnet, told):
    api.made("alice", "/ports", network_id=net["id"])
    told()
    assert api("DELETE", "alice", f"/networks/{net['id']}")[0] == 409
    none = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"
    assert api("POST", "alice", "/ports", {"ports": [
        {"network_id": net["id"]}, {"network_id": none}]})[0] == 404
    assert told() == []
