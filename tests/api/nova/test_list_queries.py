"""What a query may say of every list but /servers, as an admin: each documented parameter since its
microversion, what is refused, and what is not known."""

import pytest

ALL = "2.96"

# (path, parameter's first version, query, what it shows; before that version it shows them all)
FILTERS = [
    ("/flavors", "2.1", "is_public=None", ["m1", "m2", "m3"]),
    ("/flavors", "2.1", "is_public=false", ["m3"]),
    ("/flavors", "2.1", "is_public=true", ["m1", "m2"]),
    ("/flavors", "2.1", "minRam=1024", ["m2"]), ("/flavors", "2.1", "minDisk=2", ["m2"]),
    ("/flavors", "2.1", "minRam=512&minDisk=1", ["m1", "m2"]),
    ("/flavors", "2.1", "limit=1", ["m1"]), ("/flavors", "2.1", "marker=m1", ["m2"]),
    ("/flavors", "2.1", "limit=1&limit=2", ["m1", "m2"]),
    ("/flavors", "2.1", "minRam=1024&minRam=1", ["m1", "m2"]),
    ("/flavors", "2.1", "sort_dir=desc", ["m2", "m1"]),
    *(("/flavors", "2.1", f"sort_dir=desc&sort_key={key}", ["m2", "m1"]) for key in (
        "created_at", "flavorid", "id", "memory_mb", "name", "root_gb", "vcpus", "description",
        "disabled", "ephemeral_gb", "is_public", "rxtx_factor", "swap", "updated_at",
        "vcpu_weight")),
    ("/os-keypairs", "2.10", "user_id=alice", ["a", "b"]),
    ("/os-keypairs", "2.35", "limit=1&user_id=alice", ["a"]),
    ("/os-keypairs", "2.35", "marker=a&user_id=alice", ["b"]),
    ("/os-hypervisors", "2.33", "limit=1", ["one"]),
    ("/os-hypervisors", "2.53", "hypervisor_hostname_pattern=tw", ["two"]),
    ("/os-server-groups", "2.1", "all_projects=True", ["g1", "g2", "g3"]),
    ("/os-server-groups", "2.1", "all_projects=True&limit=2", ["g1", "g2"]),
    ("/os-server-groups", "2.1", "all_projects=True&limit=1&offset=1", ["g2"]),
    ("/os-server-groups", "2.1", "all_projects=True&offset=2&offset=1", ["g2", "g3"]),
    ("/os-services", "2.1", "host=two", ["two"]), ("/os-services", "2.1", "host=three", []),
    ("/os-services", "2.1", "host=one&host=two", ["two"]),
    ("/os-services", "2.1", "binary=nova-compute", ["one", "two"]),
    ("/os-services", "2.1", "binary=nova-scheduler", []),
    ("/servers/SERVER/os-instance-actions", "2.58", "limit=1", ["stop"]),
    ("/servers/SERVER/os-instance-actions", "2.58", "changes-since=2999-01-01T00:00:00Z", []),
    ("/servers/SERVER/os-instance-actions", "2.66", "changes-before=2000-01-01T00:00:00Z", []),
    ("/servers/SERVER/os-instance-actions", "2.66",
     "changes-since=2000-01-01T00:00:00Z&changes-before=2999-01-01T00:00:00Z", ["stop", "create"]),
    ("/os-simple-tenant-usage", "2.1", "start=2000-01-01T00:00:00&end=2001-01-01T00:00:00", []),
    ("/os-simple-tenant-usage", "2.1", "start=2000-01-01T00:00:00", ["red"]),
    ("/os-simple-tenant-usage", "2.1", "detailed=1&start=2000-01-01T00:00:00.5", ["red"]),
    ("/os-simple-tenant-usage", "2.40", "limit=0", []),
]

EVERYTHING = {
    "/flavors": ["m1", "m2"], "/os-keypairs": ["mine"], "/os-hypervisors": ["one", "two"],
    "/os-server-groups": [], "/os-services": ["one", "two"],
    "/servers/SERVER/os-instance-actions": ["stop", "create"], "/os-simple-tenant-usage": ["red"],
}

# (path, since which version it is looked at, query that is refused then)
WRONG = [
    *((path, "2.1", query) for path in ("/flavors", "/flavors/detail") for query in (
        "limit=x", "limit=-1", "limit=", "marker=none", "minRam=x", "minDisk=-", "is_public=maybe",
        "sort_key=mood", "sort_dir=up", "sort_dir=asc&sort_dir=up")),
    ("/os-keypairs", "2.35", "limit=x"), ("/os-keypairs", "2.35", "marker=none"),
    *((path, since, query) for path in ("/os-hypervisors", "/os-hypervisors/detail")
      for since, query in (
        ("2.33", "limit=x"), ("2.33", "marker=9"), ("2.53", "with_servers=perhaps"),
        ("2.53", "with_servers=true&with_servers=true"), ("2.53", "limit=1&limit=2"),
        ("2.53", "hypervisor_hostname_pattern=o*"), ("2.53", "hypervisor_hostname_pattern="),
        ("2.53", "limit=1&hypervisor_hostname_pattern=one"))),
    ("/os-hypervisors/HYPERVISOR", "2.53", "with_servers=perhaps"),
    ("/os-server-groups", "2.1", "limit=x"), ("/os-server-groups", "2.1", "offset=-1"),
    ("/servers/SERVER/os-instance-actions", "2.58", "limit=x"),
    ("/servers/SERVER/os-instance-actions", "2.58", "limit=1&limit=1"),
    ("/servers/SERVER/os-instance-actions", "2.58", "marker=none"),
    ("/servers/SERVER/os-instance-actions", "2.58", "changes-since=never"),
    ("/servers/SERVER/os-instance-actions", "2.66", "changes-before=never"),
    ("/servers/SERVER/os-volume_attachments", "2.1", "limit=x"),
    ("/servers/SERVER/os-volume_attachments", "2.1", "offset=x"),
    *((path, since, query) for path in ("/os-simple-tenant-usage", "/os-simple-tenant-usage/red")
      for since, query in (
        ("2.1", "start=never"), ("2.1", "end=never"), ("2.40", "limit=x"), ("2.40", "marker=none"),
        ("2.1", "start=2026-01-02T00:00:00&end=2026-01-01T00:00:00"),
        ("2.1", "start=2026-01-01T00:00:00&end=2026-01-01T00:00:00"))),
]

# (path, since which version it refuses what it does not know; None: never)
CLOSED = [
    *((path, "2.75") for path in (
        "/flavors", "/flavors/detail", "/os-keypairs", "/os-keypairs/mine", "/os-server-groups",
        "/os-services", "/os-simple-tenant-usage", "/os-simple-tenant-usage/red", "/limits",
        "/os-quota-sets/red", "/os-quota-sets/red/detail", "/servers", "/servers/detail",
        "/servers/SERVER/os-volume_attachments")),
    *((path, "2.53") for path in (
        "/os-hypervisors", "/os-hypervisors/detail", "/os-hypervisors/HYPERVISOR")),
    ("/servers/SERVER/os-instance-actions", "2.58"),
    *((path, None) for path in (
        "/os-aggregates", "/flavors/m1", "/flavors/m1/os-extra_specs", "/os-availability-zone",
        "/os-quota-sets/red/defaults", "/servers/SERVER", "/servers/SERVER/ips",
        "/servers/SERVER/metadata", "/servers/SERVER/os-interface")),
]


def before(version):
    return f"2.{int(version.partition('.')[2]) - 1}"


@pytest.fixture
def ask(world, call, server):
    """ask(path, query, version) -> the response, of a cloud that has some of everything."""
    world.add_host("two")
    for name, ram, public in (("m2", 2048, True), ("m3", 512, False)):
        call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
            "id": name, "name": name, "ram": ram, "vcpus": ram // 512, "disk": ram // 512,
            "description": name, "os-flavor-access:is_public": public}})
    for who, name in (("alice", "a"), ("alice", "b"), ("admin", "mine")):
        made = call("POST", "/v2.1/os-keypairs", {"keypair": {"name": name}}, who=who,
                    version="2.2")
        assert made.status_code == 201
    for who, name in (("alice", "g1"), ("bob", "g2"), ("alice", "g3")):
        call("POST", "/v2.1/os-server-groups", who=who, json={
            "server_group": {"name": name, "policy": "affinity"}})
    call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    world.settle()
    ids = {}
    for version in ("2.1", ALL):
        listed = call("GET", "/v2.1/os-hypervisors", who="admin", version=version)
        ids[version] = listed.json["hypervisors"][0]["id"]

    def ask(path, query, version):
        of_its_time = ids["2.1" if float(version[2:]) < 53 else ALL]
        path = path.replace("SERVER", server).replace("HYPERVISOR", str(of_its_time))
        return call("GET", f"/v2.1{path}?{query}", who="admin", version=version)

    return ask


NAMES = {"flavors": "id", "hypervisors": "hypervisor_hostname", "server_groups": "name",
         "services": "host", "instanceActions": "action", "tenant_usages": "tenant_id"}


def names(answer):
    assert answer.status_code == 200, answer.json
    key, items = next((key, items) for key, items in answer.json.items() if "links" not in key)
    if key == "keypairs":
        return [item["keypair"]["name"] for item in items]
    return [item[NAMES[key]] for item in items]


def test_each_parameter_since_its_version(ask):
    wrong = []
    for path, since, query, shown in FILTERS:
        for version in {since, "2.52" if float(since[2:]) <= 52 else ALL, ALL}:
            if (listed := names(ask(path, query, version))) != shown:
                wrong.append((path, query, version, listed))
        if since not in ("2.1", "2.66"):
            assert names(ask(path, "", before(since))) == EVERYTHING[path]
        if since == "2.10" or (since != "2.1" and "user_id" not in query and since != "2.66"):
            if (listed := names(ask(path, query, before(since)))) != EVERYTHING[path]:
                wrong.append((path, query, before(since), listed))
    assert wrong == []


def test_flavors_are_named_and_shown_by_the_same_query(ask):
    for path, _, query, shown in FILTERS:
        if path == "/flavors":
            assert names(ask("/flavors/detail", query, ALL)) == shown


def test_pages_of_hypervisors(ask):
    for version in ("2.33", "2.53", ALL):
        first = ask("/os-hypervisors", "limit=1", version)
        following = first.json["hypervisors_links"][0]["href"].partition("?")[2]
        assert names(ask("/os-hypervisors", following, version)) == ["two"]
        assert "hypervisors_links" not in ask("/os-hypervisors", following, version).json


def test_servers_of_hypervisors(ask):
    for path in ("/os-hypervisors", "/os-hypervisors/detail"):
        for version, query, shown in (("2.52", "with_servers=true", [None, None]),
                                      ("2.53", "with_servers=true", ["web", None]),
                                      ("2.75", "with_servers=1", ["web", []]),
                                      (ALL, "with_servers=False", [None, None])):
            listed = ask(path, query, version).json["hypervisors"]
            assert [item["servers"][0]["name"] if item.get("servers") else item.get("servers")
                    for item in listed] == shown


def test_pages_of_usage(ask):
    whole = ask("/os-simple-tenant-usage/red", "start=2000-01-01T00:00:00", ALL).json
    server = whole["tenant_usage"]["server_usages"][0]["instance_id"]
    for version, count in (("2.39", 1), ("2.40", 0)):
        after = ask("/os-simple-tenant-usage/red", f"marker={server}", version).json
        assert len(after["tenant_usage"].get("server_usages", ())) == count
    brief = ask("/os-simple-tenant-usage", "detailed=0", ALL).json["tenant_usages"][0]
    full = ask("/os-simple-tenant-usage", "detailed=0&detailed=1", ALL).json["tenant_usages"][0]
    assert ("server_usages" in brief, "server_usages" in full) == (False, True)


def test_limits_of_another_project(ask):
    mine, theirs = ask("/limits", "", ALL).json, ask("/limits", "tenant_id=red", ALL).json
    assert [limits["limits"]["absolute"]["totalInstancesUsed"] for limits in (mine, theirs)
            ] == [0, 1]


def test_what_is_wrong_is_refused_since_it_means_something(ask):
    wrong = []
    for path, since, query in WRONG:
        for version in (since, ALL):
            if version == ALL or since != ALL:
                refused = ask(path, query, version)
                name = query.rpartition("&")[2].partition("=")[0]
                if refused.status_code != 400 or name not in refused.json["badRequest"]["message"]:
                    wrong.append((path, query, version, refused.status_code, refused.json))
        # What a version does not know it lets pass, where it did not refuse all such.
        if since in ("2.33", "2.35", "2.40", "2.58") and "limit=1&limit" not in query:
            assert ask(path, query, before(since)).status_code == 200, (path, query)
    assert wrong == []


@pytest.mark.parametrize("query", ["stauts=ACTIVE", "limti=1&limti=2", "x"])
def test_what_is_not_known_is_let_pass_and_then_refused(ask, query):
    wrong = []
    for path, since in CLOSED:
        passing = ALL if since is None else before(since)
        if (answer := ask(path, query, passing)).status_code != 200:
            wrong.append((path, passing, answer.json))
        if since is not None:
            refused = ask(path, query, since)
            if refused.status_code != 400 or query.partition("=")[0] not in str(refused.json):
                wrong.append((path, since, refused.json))
    assert wrong == []
