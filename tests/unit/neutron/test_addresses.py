"""The arithmetic of addresses, pools and prefixes."""

from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.neutron import errors
from cairn.neutron.core import addresses, networks, subnetpools, subnets
from cairn.neutron.core.kinds import ALLOCATIONS, NETWORKS, SUBNETS
from cairn.neutron.core.write import Write
from cairn.neutron.db.models import Base


@pytest.fixture(scope="module")
def db():
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    yield db
    db.engine.dispose()


def subnet(cidr="10.0.0.0/24", start="10.0.0.2", end="10.0.0.254", **more):
    version = ip_network(cidr).version
    return SimpleNamespace(id="s", cidr=cidr, ip_version=version, ipv6_address_mode=None,
                           service_types=[], allocation_pools=[{"start": start, "end": end}],
                           **more)


@pytest.fixture
def write(db):
    """A transaction that leaves nothing behind, on a subnet that exists."""
    session = db._writing()
    session.execute(NETWORKS.insert().values(
        id="n", project_id="p", mtu=1, network_type="local", physical_network="", name="",
        description="", revision=0, tags=[], admin_state_up=True, status="", shared=False,
        external=False, is_default=False, port_security_enabled=True, dns_domain="",
        availability_zone_hints=[]))
    session.execute(SUBNETS.insert().values(
        id="s", project_id="p", network_id="n", ip_version=4, cidr="10.0.0.0/24", name="",
        description="", revision=0, tags=[], enable_dhcp=True, allocation_pools=[],
        dns_nameservers=[], host_routes=[], service_types=[]))
    yield Write(session, Context(), None)
    session.rollback()
    session.close()


def test_all_addresses_of_a_pool_are_given_once_and_no_more(write):
    small = subnet(start="10.0.0.10", end="10.0.0.200")
    got = {addresses.take_any(write, small, "p")["ip_address"] for _ in range(191)}
    assert len(got) == 191
    assert addresses.take_any(write, small, "p") is None


def test_a_gap_is_found_however_full_it_is(write):
    for number in range(2, 255):
        if number != 131:
            addresses.take(write, subnet(), "p", ip_address(f"10.0.0.{number}"))
    assert addresses.take_any(write, subnet(), "p")["ip_address"] == "10.0.0.131"


def test_an_address_is_taken_once(write):
    assert addresses.take(write, subnet(), "p", ip_address("10.0.0.5"))
    assert not addresses.take(write, subnet(), "q", ip_address("10.0.0.5"))
    addresses.release(write, "p", [{"subnet_id": "s", "ip_address": "10.0.0.5"}])
    assert addresses.take(write, subnet(), "q", ip_address("10.0.0.5"))
    assert write.session.execute(ALLOCATIONS.select()).one().port_id == "q"


def test_addresses_from_macs():
    assert str(addresses.eui64("fd00::/64", "fa:16:3e:01:02:03")) == "fd00::f816:3eff:fe01:203"


@pytest.mark.parametrize(("cidr", "address", "fits"), [
    ("10.0.0.0/24", "10.0.0.0", False), ("10.0.0.0/24", "10.0.0.255", False),
    ("10.0.0.0/24", "10.0.0.1", True), ("10.0.0.0/31", "10.0.0.0", True),
    ("10.0.0.0/24", "10.0.1.1", False), ("fd00::/64", "fd00::", False),
    ("fd00::/64", "fd00::ffff:ffff:ffff:ffff", True),
])
def test_what_a_host_may_have(cidr, address, fits):
    assert addresses.usable(SimpleNamespace(cidr=cidr), ip_address(address)) is fits


@given(st.integers(0, 2**32 - 1), st.integers(8, 30), st.data())
def test_pools_are_all_but_the_gateway(base, length, data):
    net = ip_network((base, length), strict=False)
    first, last = subnets.span(net)
    gateway = ip_address(data.draw(st.integers(first, last)))
    pools = subnets.default_pools(net, gateway)
    sizes = [int(ip_address(p["end"])) - int(ip_address(p["start"])) + 1 for p in pools]
    assert sum(sizes) == last - first
    assert subnets.checked_pools(net, gateway, pools) == pools


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(24, 28)), max_size=12),
       st.integers(24, 28))
def test_a_cut_never_overlaps_and_is_found_where_there_is_room(held, length):
    block = ip_network("10.0.0.0/16")
    taken = [ip_network(f"10.0.{third}.0/{size}") for third, size in held]
    cut = subnetpools._first(block, length, taken)
    assert cut.prefixlen == length and cut.subnet_of(block)
    assert not any(cut.overlaps(other) for other in taken)


def test_a_pool_that_is_full_says_so():
    block = ip_network("10.0.0.0/24")
    assert subnetpools._first(block, 25, [ip_network("10.0.0.0/25")]) == ip_network("10.0.0.128/25")
    assert subnetpools._first(block, 24, [ip_network("10.0.0.9/32")]) is None
    assert subnetpools._first(block, 23, []) is None


def test_gateways_of_another_version_are_refused():
    with pytest.raises(errors.InvalidInput, match="fd00::1"):
        subnets.checked_gateway(ip_network("10.0.0.0/24"), "fd00::1")


def test_settings_of_ranges():
    assert networks.ranges("1:10, 20:30") == [(1, 10), (20, 30)]
    assert networks.vlan_ranges("a:1:2,b:3:4") == [("a", 1, 2), ("b", 3, 4)]
    assert networks.ranges("") == []
