"""/os-hosts, and what Compute has no more: what Tempest's tests hold."""

import pytest

from cairn.common.context import Context
from cairn.nova.api import gone

HOST = "/v2.1/os-hosts"


@pytest.fixture
def ask(call):
    """ask(method, path, json, who="admin", version="2.42") -> the response."""
    def ask(method, path="", json=None, who="admin", version="2.42"):
        return call(method, HOST + path, json, who, version)

    return ask


def test_hosts_are_listed_by_what_runs_there(world, ask, call):
    world.nova.conductor.report_service(
        Context(), binary="nova-conductor", service_host="ctl")
    one = {"host_name": "one", "service": "compute", "zone": "nova"}
    two = {"host_name": "ctl", "service": "conductor", "zone": "internal"}
    for query, hosts in (("", [one, two]), ("?zone=", [one, two]), ("?zone=nova", [one]),
                         ("?zone=internal", [two]), ("?zone=xxx", [])):
        assert ask("GET", query).json == {"hosts": hosts}, query
    assert ask("PUT", "/one", {"status": "disable"}).json == {"host": "one", "status": "disabled"}
    assert ask("GET").json == {"hosts": [two]}


def test_what_a_host_has_and_its_servers_take(ask, server):
    def resource(project, cpu, memory, disk):
        return {"resource": {"host": "one", "project": project, "cpu": cpu, "memory_mb": memory,
                             "disk_gb": disk}}

    first, *others = ask("GET", "/one").json["host"]
    total = first["resource"]
    assert total["project"] == "(total)" and total["cpu"] > 0 and total["memory_mb"] > 0
    assert others == [resource("(used_now)", 0, 0, 0), resource("(used_max)", 1, 512, 1),
                      resource("red", 1, 512, 1)]


def test_a_host_gets_no_more_servers_and_gets_them_again(ask, call):
    def status():
        [service] = call("GET", "/v2.1/os-services?binary=nova-compute",
                         who="admin").json["services"]
        return service["status"]

    for word, shown in (("disable", "disabled"), ("Enable", "enabled"), ("DISABLE", "disabled")):
        answer = ask("PUT", "/one", {"status": word})
        assert (answer.status_code, answer.json) == (200, {"host": "one", "status": shown})
        assert status() == shown


def test_what_hosts_cannot_do_is_501_and_changes_nothing(ask, call):
    for body in ({"maintenance_mode": "enable"},
                 {"status": "disable", "maintenance_mode": "enable"}):
        refused = ask("PUT", "/one", body)
        assert (refused.status_code, list(refused.json)) == (501, ["notImplemented"])
    for action in ("startup", "shutdown", "reboot"):
        assert ask("GET", f"/one/{action}").status_code == 501
    assert ask("GET").json["hosts"][0]["host_name"] == "one"


def test_wrong_requests_of_hosts(ask):
    for body in ({"status": "invalid", "maintenance_mode": "enable"},
                 {"status": "enable", "maintenance_mode": "invalid"}, {}, {"x": 1},
                 {"status": None}):
        assert ask("PUT", "/one", body).status_code == 400, body
    body = {"status": "enable", "maintenance_mode": "enable"}
    for method, path, said in (
        ("GET", "/nix", None), ("PUT", "/nix", body), ("PUT", "/nix", {"status": "enable"}),
        ("GET", "/nix/startup", None), ("GET", "/nix/shutdown", None),
        ("GET", "/nix/reboot", None),
    ):
        assert ask(method, path, said).status_code == 404, path
        for who in ("alice", "rita"):
            assert ask(method, path.replace("nix", "one"), said, who).status_code == 403
        assert ask(method, path.replace("nix", "one"), said, version="2.43").status_code == 404
    assert ask("GET", who="alice").status_code == 403
    assert ask("GET", version="2.43").status_code == 404


def test_what_is_gone_is_gone_for_everybody_and_in_every_version(call):
    asked = [(method, path) for path, methods in gone._PATHS.items() for method in methods.split()]
    assert ("GET", "/os-fping") in asked and ("POST", "/os-agents") in asked
    for method, path in asked:
        real = "/v2.1" + path.replace("<", "").replace(">", "")
        for version in ("2.1", "2.96"):
            answer = call(method, real, {} if method in ("POST", "PUT") else None, version=version)
            assert (answer.status_code, answer.json["computeFault"]["code"]) == (410, 410), path


def test_there_are_no_bare_machines(call):
    path = "/v2.1/os-baremetal-nodes"
    for tail in ("", "/x"):
        assert call("GET", path + tail, who="admin", version="2.35").status_code == 501
        assert call("GET", path + tail, who="alice", version="2.35").status_code == 403
        assert call("GET", path + tail, who="admin", version="2.36").status_code == 404
    for method, tail in (("POST", ""), ("DELETE", "/x"), ("POST", "/x/action")):
        assert call(method, path + tail, {}, who="admin", version="2.35").status_code == 400
        assert call(method, path + tail, {}, who="admin", version="2.36").status_code == 404
