"""/os-networks and /os-tenant-networks: what Tempest's tests hold, with the real Neutron."""

import pytest

from . import proxies
from .proxies import NONE

world = proxies.world
call = proxies.call


@pytest.fixture
def networks(world):
    """The ids of alice's network, a shared one of others', and one that is neither."""
    cloud = world.cloud
    return (cloud.network("red", name="mine"), cloud.network("ops", name="all", shared=True),
            cloud.network("blue", name="bobs"))


def test_networks_are_shown_by_their_labels(call, networks):
    mine, shared, other = networks
    listed = call("GET", "/os-networks").json["networks"]
    assert [(network["id"], network["label"]) for network in listed] == [
        (mine, "mine"), (shared, "all")]
    for network in listed:
        assert set(network) == {
            "id", "label", "cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6",
            "gateway_v6", "netmask_v6"}
        assert call("GET", f"/os-networks/{network['id']}").json == {"network": network}
    assert call("GET", f"/os-networks/{mine}", who="rita").status_code == 200
    assert call("GET", f"/os-networks/{other}").status_code == 404


def test_admins_see_more_of_them(call, networks):
    mine, _, _ = networks
    shown = call("GET", f"/os-networks/{mine}", who="admin").json["network"]
    assert (shown["label"], shown["project_id"], shown["mtu"] > 0) == ("mine", "red", True)
    assert {"vlan", "host", "multi_host", "dhcp_start"} < set(shown)


def test_networks_of_a_tenant(call, networks):
    mine, shared, other = networks
    listed = call("GET", "/os-tenant-networks").json["networks"]
    assert listed == [{"id": mine, "label": "mine", "cidr": "None"},
                      {"id": shared, "label": "all", "cidr": "None"}]
    assert call("GET", f"/os-tenant-networks/{mine}").json == {"network": listed[0]}
    assert call("GET", f"/os-tenant-networks/{other}").status_code == 404


@pytest.mark.parametrize("kind", ["/os-networks", "/os-tenant-networks"])
def test_what_is_not_there(call, networks, kind):
    for other in (NONE, "x", "..", f"{NONE}1"):
        assert call("GET", f"{kind}/{other}").status_code == 404
    for path in (kind, f"{kind}/{networks[0]}"):
        assert call("GET", path, version="2.36").status_code == 404
    assert call("POST", kind, {"network": {"label": "x"}}).status_code == 410
    assert call("DELETE", f"{kind}/{networks[0]}").status_code == 410
