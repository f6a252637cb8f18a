"""Consoles are given out to those who may have them, while there is something to see."""

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from cairn.common.db import utcnow
from cairn.common.errors import Unavailable
from cairn.nova.core import console_tokens, purge
from cairn.nova.db.models import ConsoleToken
from cairn.nova.settings import ConductorProcess, ConsoleSettings


def ask(call, server, protocol="vnc", kind="novnc", **more):
    return call("POST", f"/v2.1/servers/{server}/remote-consoles",
                {"remote_console": {"protocol": protocol, "type": kind}}, **more)


def act(call, server, name, kind, version="2.5", **more):
    return call("POST", f"/v2.1/servers/{server}/action", {name: {"type": kind}},
                version=version, **more)


def token_of(url):
    query = parse_qs(urlsplit(url).query)
    return parse_qs(urlsplit(query["path"][0]).query)["token"][0] if "path" in query else (
        query["token"][0])


def opens(world, token):
    with world.db.reading() as session:
        return console_tokens.find(session, token)


def test_a_screen_is_novncs_page_that_connects_by_itself(world, call, server):
    answer = ask(call, server)
    assert answer.status_code == 200
    console = answer.json["remote_console"]
    assert (console["protocol"], console["type"]) == ("vnc", "novnc")
    url = urlsplit(console["url"])
    assert (url.scheme, url.netloc, url.path) == (
        "https", "cloud.example", "/console/vnc_auto.html")
    # As the page has it: below the root of the site it came from.
    assert parse_qs(url.query)["path"][0].startswith("console/?token=")
    opened = opens(world, token_of(console["url"]))
    assert (opened.server_id, opened.user_id, opened.console_type, opened.host) == (
        server, "alice", "novnc", "one")


def test_a_serial_console_is_a_web_socket(world, call, server):
    console = ask(call, server, "serial", "serial").json["remote_console"]
    url = urlsplit(console["url"])
    assert (url.scheme, url.netloc, url.path) == ("wss", "cloud.example", "/console/")
    assert opens(world, token_of(console["url"])).console_type == "serial"


def test_each_has_a_token_of_its_own_and_no_table_has_it(world, call, server):
    tokens = [token_of(ask(call, server).json["remote_console"]["url"]) for _ in range(3)]
    assert len(set(tokens)) == 3 and min(map(len, tokens)) >= 22  # 128 bits, in base64.
    with world.db.reading() as session:
        rows = session.execute(select(ConsoleToken.__table__)).all()
    assert len(rows) == 3
    assert not any(token in str(rows) for token in tokens)


def test_the_actions_of_before(world, call, server):
    shown = act(call, server, "os-getVNCConsole", "novnc")
    assert shown.status_code == 200 and shown.json["console"].keys() == {"type", "url"}
    line = act(call, server, "os-getSerialConsole", "serial").json["console"]
    assert line["type"] == "serial" and opens(world, token_of(line["url"]))
    for name, kind in (("os-getVNCConsole", "novnc"), ("os-getSerialConsole", "serial"),
                       ("os-getSPICEConsole", "spice-html5"), ("os-getRDPConsole", "rdp-html5")):
        assert act(call, server, name, kind, version="2.6").status_code == 404, name
    assert ask(call, server, version="2.5").status_code == 404


@pytest.mark.parametrize(("name", "kind", "says"), [
    ("os-getVNCConsole", "xvpvnc", "Invalid console type xvpvnc"),
    ("os-getVNCConsole", "serial", "type"),
    ("os-getSPICEConsole", "spice-html5", "Unavailable console type spice-html5."),
    ("os-getRDPConsole", "rdp-html5", "Unavailable console type rdp-html5."),
])
def test_what_there_is_not_is_refused_by_the_actions(call, server, name, kind, says):
    refused = act(call, server, name, kind)
    assert refused.status_code == 400 and says in refused.json["badRequest"]["message"]


@pytest.mark.parametrize(("protocol", "kind", "version", "says"), [
    ("spice", "spice-html5", "2.96", "Unavailable console type spice-html5."),
    ("spice", "spice-direct", "2.99", "Unavailable console type spice-direct."),
    ("spice", "spice-direct", "2.98", "remote_console.type"),
    ("mks", "webmks", "2.8", "Unavailable console type webmks."),
    ("mks", "webmks", "2.7", "remote_console."),
    ("vnc", "xvpvnc", "2.6", "Invalid console type xvpvnc"),
    ("vnc", "serial", "2.6", "Invalid console type serial"),
    ("serial", "novnc", "2.6", "Invalid console type novnc"),
    ("rdp", "rdp-html5", "2.6", "remote_console."),
    ("vnc", 7, "2.6", "remote_console.type"),
])
def test_what_there_is_not_is_refused(call, server, protocol, kind, version, says):
    refused = ask(call, server, protocol, kind, version=version)
    assert refused.status_code == 400 and says in refused.json["badRequest"]["message"]


def test_there_are_none_where_nobody_said_where(world, call, server):
    world.nova.__dict__["console"] = ConsoleSettings()
    assert ask(call, server).status_code == 400


def test_a_server_is_its_projects(call, server):
    assert ask(call, server, who="bob").status_code == 404
    assert ask(call, server, who="rita").status_code == 403
    assert ask(call, server, who="anna").status_code == 200
    assert act(call, server, "os-getVNCConsole", "novnc", who="bob").status_code == 404
    assert act(call, server, "os-getRDPConsole", "novnc", who="rita").status_code == 403


def test_one_that_does_not_run_has_none(world, call, create, server):
    call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    world.settle()
    refused = ask(call, server)
    assert refused.status_code == 409
    assert f"Instance {server} is not ready" in refused.json["conflictingRequest"]["message"]
    young = create().json["server"]["id"]  # On no host yet.
    assert ask(call, young).status_code == 409


def test_a_host_that_is_away_is_said(world, call, server):
    world.down("one")
    refused = ask(call, server)
    assert refused.status_code == 409
    assert "host does not answer" in refused.json["conflictingRequest"]["message"]


def test_a_stop_voids_them_for_good(world, call, server):
    token = token_of(ask(call, server).json["remote_console"]["url"])
    assert opens(world, token)
    for action in ("os-stop", "os-start"):
        call("POST", f"/v2.1/servers/{server}/action", {action: None})
        world.settle()
        assert opens(world, token) is None
    assert opens(world, token_of(ask(call, server).json["remote_console"]["url"]))


def test_so_does_a_guest_that_powers_itself_off(world, call, server):
    token = token_of(ask(call, server).json["remote_console"]["url"])
    for state in (4, 4, 1, 1):  # Each is believed when it comes again.
        world.nova.conductor.sync_power(world_context(), service_host="one", states={server: state})
    assert call("GET", f"/v2.1/servers/{server}").json["server"]["status"] == "ACTIVE"
    assert opens(world, token) is None


def world_context():
    from cairn.common.context import Context
    return Context()


@pytest.mark.parametrize("change", [
    {"host": "two"}, {"project_id": "blue"}, {"deleted": True}, {"task_state": "deleting"},
    {"power_state": 4},
])
def test_a_server_that_moved_or_went_is_not_opened(world, call, server, change):
    token = token_of(ask(call, server).json["remote_console"]["url"])
    world.set(server, **change)
    assert opens(world, token) is None


def test_a_deletion_takes_them_along(world, call, server):
    ask(call, server)
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    with world.db.reading() as session:
        assert session.query(ConsoleToken).count() == 0


def test_they_expire_and_are_forgotten(world, call, server):
    token = token_of(ask(call, server).json["remote_console"]["url"])
    for ago, left in ((60, 1), (7200, 0)):
        with world.db.writing() as session:
            session.execute(update(ConsoleToken).values(
                expires_at=utcnow() - dt.timedelta(seconds=ago)))
        assert opens(world, token) is None
        purge.make(ConductorProcess(), world.db, None).run()
        with world.db.reading() as session:
            assert session.query(ConsoleToken).count() == left


@pytest.mark.parametrize("token", ["", "x", "x" * 129, "\udcff", "ä" * 20])
def test_what_is_no_token_opens_nothing(world, call, server, token):
    ask(call, server)
    assert opens(world, token) is None


def test_an_admin_sees_where_one_leads(call, server):
    token = token_of(ask(call, server, "serial", "serial").json["remote_console"]["url"])
    path = f"/v2.1/os-console-auth-tokens/{token}"
    assert call("GET", path).status_code == 403
    assert call("GET", path, who="admin", version="2.30").status_code == 400
    shown = {"instance_uuid": server, "host": "one.example", "port": 6083,
             "internal_access_path": None}
    assert call("GET", path, who="admin", version="2.31").json == {"console": shown}
    assert call("GET", path, who="admin", version="2.99").json == {
        "console": {**shown, "tls_port": None}}
    assert call("GET", path[:-1], who="admin").status_code == 404


def test_a_host_that_hands_none_out_says_so(world, call, server, monkeypatch):
    tickets = world.managers["one"].tickets
    monkeypatch.setattr(tickets, "settings", type(tickets.settings)())
    refused = ask(call, server)
    assert refused.status_code == 400
    assert "Unavailable console type" in refused.json["badRequest"]["message"]


def test_a_host_that_does_not_answer_in_time(world, call, server, monkeypatch):
    def silent(ctx, server_id, console_type):
        raise Unavailable(reason="No answer.")

    # Over the wire it is the broker that says so.
    monkeypatch.setitem(world.nova.__dict__, "compute", type("Away", (), {
        "check_console": lambda self, ctx, **args: silent(ctx, "", "")})())
    assert ask(call, server).status_code == 409
