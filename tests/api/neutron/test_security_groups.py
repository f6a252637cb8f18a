import pytest

from cairn.common.context import Context

BASE, RULES = "/security-groups", "/security-group-rules"


@pytest.fixture
def group(api):
    return api.made("alice", BASE, name="web", description="d")


def test_every_project_has_a_default_group(api):
    group, = api.get("alice", BASE)
    assert group["name"] == "default" and len(group["security_group_rules"]) == 4
    inward = [r for r in group["security_group_rules"] if r["direction"] == "ingress"]
    assert {r["remote_group_id"] for r in inward} == {group["id"]}
    other, = api.get("bob", BASE)
    assert other["id"] != group["id"]
    path = f"{BASE}/{group['id']}"
    assert api.refused("DELETE", "alice", path)[1] == "SecurityGroupCannotRemoveDefault"
    assert api.refused("PUT", "alice", path, {"security_group": {"name": "x"}})[1] == (
        "SecurityGroupCannotUpdateDefault")
    assert api.refused("POST", "alice", BASE, {"security_group": {"name": "default"}})[0] == 409
    found = api.get("nova", f"{BASE}?project_id=green")
    assert [g["name"] for g in found] == ["default"]


def test_a_new_group_lets_everything_out(api, group):
    assert {(r["direction"], r["ethertype"]) for r in group["security_group_rules"]} == {
        ("egress", "IPv4"), ("egress", "IPv6")}
    changed = api.changed("alice", f"{BASE}/{group['id']}", name="w", description="e")
    assert (changed["name"], changed["description"]) == ("w", "e")
    assert api.refused("PUT", "alice", f"{BASE}/{group['id']}", {
        "security_group": {"name": "default"}})[0] == 409
    api.gone("alice", f"{BASE}/{group['id']}")


def test_rules(api, group):
    rule = api.made("alice", RULES, security_group_id=group["id"], direction="ingress",
                    protocol="tcp", port_range_min=22, port_range_max=22,
                    remote_ip_prefix="10.1.2.3/8")
    assert rule["remote_ip_prefix"] == "10.1.2.3/8" and rule["ethertype"] == "IPv4"
    assert rule["normalized_cidr"] == "10.0.0.0/8"
    assert api.get("alice", f"{RULES}/{rule['id']}") == rule
    again = {"security_group_rule": {
        "security_group_id": group["id"], "direction": "ingress", "protocol": "6",
        "port_range_min": "22", "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8"}}
    refused = api.refused("POST", "alice", RULES, again)
    assert refused[:2] == (409, "SecurityGroupRuleExists") and rule["id"] in refused[2]
    assert len(api.get("alice", f"{RULES}?security_group_id={group['id']}")) == 3
    api.gone("alice", f"{RULES}/{rule['id']}")
    api.made("alice", RULES, **again["security_group_rule"])


@pytest.mark.parametrize("protocol", ["tcp", "UDP", "icmp", 17, "253", None, "any", "vrrp", 0])
def test_protocols(api, group, protocol):
    rule = api.made("alice", RULES, security_group_id=group["id"], direction="ingress",
                    protocol=protocol)
    wanted = None if protocol in (None, "any") else str(protocol).lower()
    assert rule["protocol"] == wanted


@pytest.mark.parametrize(("more", "word"), [
    ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, "for port -16"),
    ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, "port_range_min must be <="),
    ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 65536}, "port 65536"),
    ({"protocol": "tcp", "port_range_min": None, "port_range_max": 6}, "port_range_min must be <="),
    ({"protocol": "icmp", "port_range_min": 1, "port_range_max": 256}, "value for ICMP code"),
    ({"protocol": "icmp", "port_range_min": None, "port_range_max": 6}, "type (port-range-min)"),
    ({"protocol": "icmp", "port_range_min": 300, "port_range_max": 1}, "value for ICMP type"),
    ({"protocol": "nonsense"}, "nonsense"), ({"protocol": 300}, "300"),
    ({"ethertype": "nonsense"}, "nonsense"), ({"remote_ip_prefix": "nonsense"}, "remote_ip_prefix"),
    ({"remote_ip_prefix": "fd00::/8"}, "fd00::/8"), ({"direction": "sideways"}, "direction"),
    ({"protocol": "vrrp", "port_range_min": 1, "port_range_max": 2}, "Invalid protocol vrrp"),
    ({"protocol": "0", "port_range_min": 1, "port_range_max": 2}, "Invalid protocol 0"),
    ({"protocol": "sctp", "port_range_min": 0, "port_range_max": 2}, "for port 0"),
    ({"port_range_min": 1, "port_range_max": 2}, "protocol"),
    ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "self"}, "Only one"),
])
def test_bad_rules_are_named(api, group, more, word):
    if more.get("remote_group_id") == "self":
        more = {**more, "remote_group_id": group["id"]}
    body = {"security_group_id": group["id"], "direction": "ingress", **more}
    refused = api.refused("POST", "alice", RULES, {"security_group_rule": body})
    assert refused[0] == 400 and word in refused[2]


def test_remote_groups(api, group):
    other = api.made("alice", BASE, name="other")
    rule = api.made("alice", RULES, security_group_id=group["id"], direction="ingress",
                    remote_group_id=other["id"])
    assert rule["remote_group_id"] == other["id"]
    lost = {"security_group_id": group["id"], "direction": "ingress", "remote_group_id": "nosuch"}
    assert api("POST", "alice", RULES, {"security_group_rule": lost})[0] == 404
    api.gone("alice", f"{BASE}/{other['id']}")
    assert api("GET", "alice", f"{RULES}/{rule['id']}")[0] == 404


def test_a_used_group_stays(api, net, group):
    port = api.made("alice", "/ports", network_id=net["id"], security_groups=[group["id"]])
    assert api.refused("DELETE", "alice", f"{BASE}/{group['id']}")[:2] == (
        409, "SecurityGroupInUse")
    api.gone("alice", f"/ports/{port['id']}")
    api.gone("alice", f"{BASE}/{group['id']}")


def test_other_projects_and_readers(api, net, group):
    path = f"{BASE}/{group['id']}"
    assert api("GET", "bob", path)[0] == 404 and api("DELETE", "bob", path)[0] == 404
    body = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress"}}
    assert api("POST", "bob", RULES, body)[0] == 404
    assert api("POST", "rita", RULES, body)[0] == 403
    assert api("POST", "rita", BASE, {"security_group": {"name": "x"}})[0] == 403
    shared = api.made("admin", "/networks", shared=True)
    port = {"port": {"network_id": shared["id"], "security_groups": [group["id"]]}}
    assert api("POST", "bob", "/ports", port)[0] == 404


def test_quota(limited):
    api = limited(security_group=2, security_group_rule=7)
    one = api.made("alice", BASE, name="one")
    assert api.refused("POST", "alice", BASE, {"security_group": {"name": "two"}})[1] == "OverQuota"
    api.made("alice", RULES, security_group_id=one["id"], direction="ingress")
    more = {"security_group_rule": {"security_group_id": one["id"], "direction": "ingress",
                                    "protocol": "tcp"}}
    assert api.refused("POST", "alice", RULES, more)[1] == "OverQuota"


SIX_ONLY = ["icmpv6", "ipv6-icmp", "58", "ipv6-encap", "41", "ipv6-frag", "44", "ipv6-nonxt", "59",
            "ipv6-opts", "60", "ipv6-route", "43"]


@pytest.mark.parametrize("protocol", SIX_ONLY)
def test_what_only_ipv6_has_is_in_no_ipv4_rule(api, group, protocol):
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": protocol}
    refused = api.refused("POST", "alice", RULES, {"security_group_rule": rule})
    assert refused[:2] == (400, "SecurityGroupEthertypeConflictWithProtocol")
    assert api.made("alice", RULES, **rule, ethertype="IPv6")["ethertype"] == "IPv6"


@pytest.mark.parametrize(("given", "stored"), [
    ("icmp", "ipv6-icmp"), ("icmpv6", "ipv6-icmp"), ("ipv6-icmp", "ipv6-icmp"), (1, "58"),
    ("58", "58")])
def test_icmp_of_an_ipv6_rule_is_icmpv6(api, manager, net, subnet, hosts, group, given, stored):
    rule = api.made("alice", RULES, security_group_id=group["id"], direction="ingress",
                    ethertype="IPv6", protocol=given, port_range_min=128)
    assert rule["protocol"] == stored
    api.made("nova", "/ports", network_id=net["id"], project_id="red",
             security_groups=[group["id"]], **{"binding:host_id": "cmp1"})
    state = manager.wanted(Context(), "cmp1", None)["state"]
    rules = state["security_groups"][group["id"]]["rules"]
    assert [r["protocol"] for r in rules if r["direction"] == "ingress"] == [58]


@pytest.mark.parametrize(("one", "other"), [
    ({"protocol": "tcp"}, {"protocol": 6}), ({"protocol": "ipip"}, {"protocol": "4"}),
    ({"protocol": "ip"}, {}), ({"protocol": 0}, {"protocol": "any"}), ({"protocol": "hopopt"}, {}),
    ({"ethertype": "IPv6", "protocol": "icmp"}, {"ethertype": "IPv6", "protocol": "58"}),
    ({"ethertype": "IPv6", "protocol": "1"}, {"ethertype": "IPv6", "protocol": "icmpv6"}),
    ({"remote_ip_prefix": "10.0.0.5/24"}, {"remote_ip_prefix": "10.0.0.0/24"}),
    ({"remote_ip_prefix": "10.0.0.5"}, {"remote_ip_prefix": "10.0.0.5/32"}),
    ({"remote_ip_prefix": "0.0.0.0/0"}, {}),
    ({"ethertype": "IPv6", "remote_ip_prefix": "FD00::/8"},
     {"ethertype": "ipv6", "remote_ip_prefix": "fd01::/8"}),
])
def test_the_same_in_other_words_is_there_already(api, group, one, other):
    rule = {"security_group_id": group["id"], "direction": "ingress"}
    made = api.made("alice", RULES, **rule, **one)
    refused = api.refused("POST", "alice", RULES, {"security_group_rule": {**rule, **other}})
    assert refused[:2] == (409, "SecurityGroupRuleExists") and made["id"] in refused[2]
    both = {"security_group_rules": [{**rule, **one}, {**rule, **other}]}
    assert api.refused("POST", "alice", RULES, both)[:2] == (
        409, "DuplicateSecurityGroupRuleInPost")


def test_hosts_get_prefixes_that_no_program_reads_otherwise(
    api, manager, net, subnet, hosts, group
):
    api.made("alice", RULES, security_group_id=group["id"], direction="ingress",
             remote_ip_prefix="10.0.0.5/24")
    api.made("nova", "/ports", network_id=net["id"], project_id="red",
             security_groups=[group["id"]], **{"binding:host_id": "cmp1"})
    state = manager.wanted(Context(), "cmp1", None)["state"]
    rules = state["security_groups"][group["id"]]["rules"]
    assert [r["remote_ip_prefix"] for r in rules if r["direction"] == "ingress"] == ["10.0.0.0/24"]


def test_several_rules_at_once_in_both_forms(api, group):
    rule = {"security_group_id": group["id"], "direction": "ingress"}
    status, made = api("POST", "alice", RULES, {"security_group_rules": [
        {**rule, "protocol": "tcp"}, {"security_group_rule": {**rule, "protocol": "udp"}}]})
    assert status == 201
    assert [r["protocol"] for r in made["security_group_rules"]] == ["tcp", "udp"]
    status, made = api("POST", "alice", BASE, {"security_groups": [
        {"security_group": {"name": "a"}}]})
    assert status == 201 and made["security_groups"][0]["name"] == "a"
    other = made["security_groups"][0]["id"]
    two = [{**rule, "protocol": "sctp"}, {**rule, "security_group_id": other}]
    assert api.refused("POST", "alice", RULES, {"security_group_rules": two})[:2] == (
        400, "SecurityGroupNotSingleGroupRules")
    refused = api.refused("POST", "alice", RULES, {"security_group_rules": [
        {"security_group_rule": {**rule, "nonsense": 1}}]})
    assert refused[0] == 400 and "nonsense" in refused[2]
    bad = {"security_groups": [{"security_group": {"name": "a\nb"}}]}
    assert api("POST", "alice", BASE, bad)[0] == 400


def test_groups_of_one_port_go_together(api, net, group):
    loose = api.made("alice", BASE, name="loose", stateful=False)
    port = api.made("alice", "/ports", network_id=net["id"])
    for given, status, kind in (
        ([group["id"], loose["id"]], 409, "SecurityGroupConflict"),
        ([group["id"]] * 2, 400, "HTTPBadRequest"),
    ):
        for method, path, more in (
            ("POST", "/ports", {"network_id": net["id"]}), ("PUT", f"/ports/{port['id']}", {}),
        ):
            refused = api.refused(method, "alice", path, {"port": {
                **more, "security_groups": given}})
            assert refused[:2] == (status, kind)
    api.changed("alice", f"/ports/{port['id']}", security_groups=[loose["id"]])
