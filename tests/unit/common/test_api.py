"""What every endpoint gets from the kernel: identity, policy, validation, versions, errors."""

import io
from dataclasses import dataclass

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.test import create_environ

from cairn.common.api import ANYONE, PUBLIC, Api, Reply, Validator
from cairn.common.context import Context
from cairn.common.errors import Invalid, Unauthorized
from cairn.common.microversions import Microversions
from cairn.common.policy import Policy, Rule
from cairn.common.wsgi import Dispatcher, Mount, serve

RULES = {"things:make": Rule("rule:project_member_api", ("project",)), "things:late": Rule("!")}
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
        "additionalProperties": False}
api = Api(RULES)


@api.get("/open", policy=PUBLIC)
def open_(thing, ctx):
    return {"hello": ctx.user_id}


@api.post("/things", policy="things:make", body=NAME, status=202)
def make(thing, ctx, body):
    return {"name": body["name"], "by": ctx.user_id}


@api.get("/versioned", policy=ANYONE, until="2.4")
def old(thing, ctx):
    return {"age": "old"}


@api.get("/versioned", policy=ANYONE, since="2.5")
def new(thing, ctx):
    return Reply({"age": "new"}, headers={"X-Age": "new"})


@api.post("/act", policy="things:make", body=NAME, action="name")
def act(thing, ctx, body):
    return {"acted": body["name"]}


@api.put("/file", policy="things:make", raw=True, status=204)
def upload(thing, ctx, request):
    raise Invalid(reason="not now")


@api.get("/stream", policy=PUBLIC)
def stream(thing, ctx):
    return Reply(iter([b"on", b"e"]))


@api.put("/nothing", policy=ANYONE, status=204)
def nothing(thing, ctx):
    return None


@api.get("/broken", policy=ANYONE)
def broken(thing, ctx):
    raise RuntimeError("secret detail")


@api.get("/overtaken", policy=ANYONE)
def overtaken(thing, ctx):
    raise StaleDataError("UPDATE statement expected to update 1 row(s); 0 were matched.")


@api.get("/raced/<int:number>", policy=ANYONE)
def raced(thing, ctx, number):
    raise IntegrityError("INSERT", {}, Exception(number, "what MariaDB says"))


@api.get("/forgetful", policy="things:late", late=True)
def forgetful(thing, ctx):
    return {}


@dataclass
class Component:
    policy: Policy


def authenticate(headers):
    text = headers.get("X-Auth-Token")
    if text == "forged":
        raise Unauthorized
    roles = {"member": {"member"}, "reader": {"reader"}}.get(text)
    return text and Context("alice", project_id="red", roles=frozenset(roles))


@pytest.fixture
def app():
    return serve("thing", Component(Policy(RULES)),
                 [Mount("/v2", [api], Microversions("thing", (2, 1), (2, 9), "X-Thing-Version"))],
                 authenticate=authenticate,
                 envelope=lambda p, r: {"error": {"code": p.code, "message": str(p)}})


@pytest.fixture
def call(app):
    client = app.test_client()

    def call(method, path, who="member", version=None, **args):
        headers = {"X-Auth-Token": who} if who else {}
        if version:
            headers["OpenStack-API-Version"] = f"thing {version}"
        return client.open(path, method=method, headers=headers, **args)

    return call


@pytest.mark.parametrize(("who", "status"), [
    (None, 401), ("forged", 401), ("reader", 403), ("member", 202)])
def test_a_caller_is_known_then_allowed(call, who, status):
    reply = call("POST", "/v2/things", who, json={"name": "x"})
    assert reply.status_code == status
    assert reply.headers["X-OpenStack-Request-ID"].startswith("req-")


def test_a_stranger_learns_nothing_of_the_schema(call):
    assert call("POST", "/v2/things", None, json={"bad": 1}).status_code == 401
    assert call("POST", "/v2/things", "reader", json={"bad": 1}).status_code == 403


@pytest.mark.parametrize(("body", "names"), [
    (b"", "required"), (b"{", "JSON"), (b'{"name": 1}', "name"), (b"{}", "name"),
    (b'{"name": "x", "size": 2}', "size"), (b"[]", "body")])
def test_a_refusal_names_the_field(call, body, names):
    reply = call("POST", "/v2/things", data=body)
    assert reply.status_code == 400
    assert names in reply.json["error"]["message"]


@pytest.mark.parametrize(("version", "age"), [(None, "old"), ("2.4", "old"), ("2.5", "new"),
                                              ("latest", "new")])
def test_the_version_chooses_the_handler(call, version, age):
    reply = call("GET", "/v2/versioned", version=version)
    assert reply.json == {"age": age}
    assert reply.headers["OpenStack-API-Version"].startswith("thing 2.")


@pytest.mark.parametrize(("version", "status"), [("2.10", 406), ("x", 400)])
def test_a_version_nobody_speaks_is_refused(call, version, status):
    assert call("GET", "/v2/versioned", version=version).status_code == status


def test_a_failure_of_ours_shows_no_detail(call):
    reply = call("GET", "/v2/broken")
    assert reply.status_code == 500
    assert "secret" not in reply.text


def test_a_row_that_another_request_took_away_meanwhile_is_a_conflict(call):
    assert call("GET", "/v2/overtaken").status_code == 409


@pytest.mark.parametrize(("number", "code"), [(1062, 409), (1452, 409), (1048, 500)])
def test_two_who_make_the_same_at_once_are_told_so(call, number, code):
    assert call("GET", f"/v2/raced/{number}").status_code == code


def test_a_handler_that_promised_to_enforce_and_did_not_is_a_bug(call):
    assert call("GET", "/v2/forgetful").status_code == 500


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/v2/none", 404), ("DELETE", "/v2/things", 405)])
def test_what_is_not_there_is_said_in_the_envelope(call, method, path, status):
    reply = call(method, path)
    assert reply.status_code == reply.json["error"]["code"] == status


def test_an_action_selects_its_endpoint(call):
    assert call("POST", "/v2/act", json={"name": "go"}).json == {"acted": "go"}
    assert call("POST", "/v2/act", json={"other": "go"}).status_code == 400


@pytest.mark.parametrize(("who", "status"), [("member", 400), ("reader", 403), (None, 401)])
def test_a_refused_upload_is_heard_out(call, who, status):
    body = io.BytesIO(b"x" * 3_000_000)
    reply = call("PUT", "/v2/file", who, input_stream=body, content_length=3_000_000)
    assert reply.status_code == status
    assert body.tell() == 3_000_000


@pytest.mark.parametrize(("path", "status", "body"), [
    ("/v2/open", "200 OK", [b'{"hello":""}']), ("/v2/stream", "200 OK", [b"on", b"e"])])
def test_the_server_below_gets_a_whole_answer_as_one(app, path, status, body):
    told = []
    answer = app(create_environ(path), lambda *head: told.append(head))
    assert told[0][0] == status
    assert list(answer) == body
    assert isinstance(answer, list) == (len(body) == 1)


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/v2/open"), ("PUT", "/v2/nothing")])
def test_an_answer_without_a_body_has_none(app, method, path):
    environ = create_environ(path, method=method, headers={"X-Auth-Token": "member"})
    assert b"".join(app(environ, lambda *head: None)) == b""


def test_a_policy_nobody_wrote_is_found_at_import():
    with pytest.raises(KeyError, match="things:typo"):
        Api(RULES).get("/x", policy="things:typo")


def test_the_dispatcher_names_what_there_is():
    started = []
    app = Dispatcher({"/compute": lambda environ, start: [environ["SCRIPT_NAME"].encode()]})
    start = lambda status, headers: started.append(status)  # noqa: E731
    assert list(app({"PATH_INFO": "/compute/v2.1"}, start)) == [b"/compute"]
    assert b"compute" in list(app({"PATH_INFO": "/nope"}, start))[0]
    assert started == ["404 Not Found"]


@pytest.mark.parametrize(("value", "fits"), [
    (1, True), ("1", True), ("007", True), ("9", True), (0, False), ("0", False), (10, False),
    ("10", False), ("-1", False), ("9" * 5000, False), ("1.5", True), ("9.5", False),
    ("auto", True), (None, False)])
def test_a_number_has_its_bounds_as_a_text_too(value, fits):
    check = Validator({"type": "object", "properties": {"n": {
        "anyOf": [{"type": ["integer", "string"], "minimum": 1, "maximum": 9}]}}})
    if fits:
        check({"n": value})
    else:
        with pytest.raises(Invalid, match="field/attribute n"):
            check({"n": value})


def test_the_refusal_of_a_text_says_the_bounds():
    check = Validator({"type": ["number", "string"], "exclusiveMinimum": 0, "maximum": 5})
    with pytest.raises(Invalid, match="number above 0 and of at most 5"):
        check("0.0")
