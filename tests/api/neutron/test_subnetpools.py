"""Subnet pools: who may have how much of one, and what goes together on a network."""

import pytest

BASE = "/subnetpools"


@pytest.fixture
def ask(api):
    """Ask for a subnet of a pool, each on a network of its own: (status, document)."""
    def ask(who, pool, **more):
        net = api.made(who, "/networks")
        return api("POST", who, "/subnets", {"subnet": {
            "network_id": net["id"], "subnetpool_id": pool["id"],
            "ip_version": pool["ip_version"], **more}})

    return ask


@pytest.mark.parametrize(("prefix", "length", "unit"), [
    ("10.90.0.0/16", 24, 256), ("fd90::/48", 62, 4)])
def test_each_project_has_as_much_of_a_pool_as_its_quota_says(api, ask, prefix, length, unit):
    """Counted in addresses of IPv4, and in /64 of IPv6."""
    pool = api.made("admin", BASE, name="p", prefixes=[prefix], shared=True,
                    default_quota=2 * unit, min_prefixlen=length - 1)
    first = ask("alice", pool, prefixlen=length)[1]["subnet"]
    assert ask("alice", pool, prefixlen=length)[0] == 201
    for more in ({"prefixlen": length}, {"prefixlen": length + 2},
                 {"cidr": prefix.replace(prefix[-3:], f"/{length + 1}")}):
        status, document = ask("alice", pool, **more)
        assert (status, document["NeutronError"]["type"]) == (409, "SubnetPoolQuotaExceeded"), more
    assert ask("bob", pool, prefixlen=length - 1)[0] == 201
    assert ask("bob", pool, prefixlen=length + 2)[0] == 409
    api.gone("alice", f"/subnets/{first['id']}")
    assert ask("alice", pool, prefixlen=length)[0] == 201
    api.changed("admin", f"{BASE}/{pool['id']}", default_quota=2 * unit + unit // 2)
    assert ask("alice", pool, prefixlen=length)[0] == 409
    assert ask("alice", pool, prefixlen=length + 1)[0] == 201


@pytest.mark.parametrize("quota", [None, 0])
def test_a_pool_without_a_quota(api, ask, quota):
    pool = api.made("admin", BASE, name="p", prefixes=["10.90.0.0/16"], shared=True,
                    default_quota=quota)
    assert ask("alice", pool, prefixlen=17)[0] == ask("alice", pool, prefixlen=17)[0] == 201


@pytest.mark.parametrize("quota", [2**31, str(2**31), "9" * 30, 10**30, -1, "-1"])
def test_a_quota_that_is_none(api, quota):
    pool = api.made("admin", BASE, name="p", prefixes=["10.90.0.0/16"])
    body = {"subnetpool": {"name": "x", "prefixes": ["10.90.0.0/16"], "default_quota": quota}}
    assert api("POST", "alice", BASE, body)[0] == 400
    assert api("PUT", "admin", f"{BASE}/{pool['id']}", {
        "subnetpool": {"default_quota": quota}})[0] == 400


def test_subnets_of_a_network_are_of_one_pool(api, net):
    """Of each IP version."""
    one, other, six = (
        api.made("alice", BASE, name="p", prefixes=[prefix], default_prefixlen=length)
        for prefix, length in (("10.90.0.0/16", 24), ("10.91.0.0/16", 24), ("fd90::/48", 64)))

    def ask(pool, **more):
        return api("POST", "alice", "/subnets", {"subnet": {
            "network_id": net["id"], "ip_version": pool["ip_version"],
            "subnetpool_id": pool["id"], **more}})

    assert [ask(pool)[0] for pool in (one, one, six)] == [201, 201, 201]
    status, document = ask(other)
    assert (status, document["NeutronError"]["type"]) == (400, "NetworkSubnetPoolAffinityError")
    for cidr, code in (("10.92.0.0/24", 400), ("10.90.200.0/24", 400)):
        assert api("POST", "alice", "/subnets", {"subnet": {
            "network_id": net["id"], "ip_version": 4, "cidr": cidr}})[0] == code
    assert ask(one, cidr="10.90.200.0/24")[0] == 201
