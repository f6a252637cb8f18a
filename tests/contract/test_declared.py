"""The watcher of what APIs declare (fakes/declared.py) finds what one does and does not say."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from fakes import declared

from cairn.common.api import ANYONE, Api, Reply
from cairn.common.context import Context
from cairn.common.declared import Declaration
from cairn.common.microversions import Microversions
from cairn.common.wsgi import Mount, serve

QUERY = {"type": "object", "properties": {"name": {"type": "array"}},
         "patternProperties": {"^resources[0-9]*$": {"type": "array"}}}

ALICE = Context("alice", project_id="a1")


def asks(name):
    return lambda query: query.getlist(name)


names = asks("name")


def goes_over(query):
    """As a list that refuses what it does not know, and then reads as others do."""
    return [query.getlist(name) for name in [*query.keys(), "sort"]]


def copies(query):
    return query.copy().poplist("secret")


@pytest.fixture
def complaint(monkeypatch):
    """complaint(read, status, query=..., version=...) -> what is said of a handler that reads its
    query so and answers with the status; "" for nothing."""
    def complaint(read=names, status=200, *, query="", version="1.2", method="GET"):
        api = Api({})

        @api.get("/things", policy=ANYONE, query=QUERY, until="1.1", also=(202,))
        @api.get("/things", policy=ANYONE, query=QUERY, since="1.2", also=(203,))
        def index(component, ctx, query):
            read(query)
            return Reply({}, status)

        mount = Mount("/v1", [api], Microversions("thing", (1, 1), (1, 3)), project_in_path=True)
        rows = {("things", "GET", "/v1/things"): [
            Declaration("things", mount, endpoint) for endpoint in api.endpoints]}
        monkeypatch.setattr(declared, "served", lambda: rows)
        app = serve("things", SimpleNamespace(), [mount], authenticate=lambda headers: ALICE,
                    envelope=lambda problem, request_id: {})
        said = []
        for path in ("/v1/things", "/v1/a1/things"):
            with monkeypatch.context() as patch:
                try:
                    with contextmanager(declared.watch)(patch):
                        reply = app.test_client().open(
                            f"{path}?{query}", method=method,
                            headers={"OpenStack-API-Version": f"thing {version}"})
                except AssertionError as error:
                    said.append(str(error))
                else:
                    said.append("")
            assert reply.status_code == status
        first, second = said
        assert first == second
        return first

    return complaint


def test_what_is_declared_is_let_pass(complaint):
    assert complaint(query="name=x&other=y") == ""
    assert complaint(asks("resources7")) == ""
    assert complaint(status=203) == complaint(status=203, version="1.3") == ""
    assert complaint(status=202, version="1.1") == ""
    assert complaint(status=404) == ""


def test_a_parameter_that_is_not_declared_is_found_though_no_request_has_it(complaint):
    assert complaint(asks("secret")) == "things: GET /v1/things: ?secret"
    assert complaint(lambda query: "secret" in query).endswith("?secret")
    assert complaint(lambda query: query.get("secret")).endswith("?secret")
    assert complaint(lambda query: query["secret"], query="secret=x").endswith("?secret")
    assert complaint(copies).endswith("?secret")
    assert complaint(asks("secret"), method="HEAD") == "things: HEAD /v1/things: ?secret"


def test_a_code_that_is_not_declared_for_its_version_is_found(complaint):
    assert complaint(status=201) == "things: GET /v1/things: 201 in 1.2"
    assert complaint(status=203, version="1.1") == "things: GET /v1/things: 203 in 1.1"
    assert complaint(status=202, version="1.3") == "things: GET /v1/things: 202 in 1.3"


def test_who_goes_over_all_names_need_not_declare_those_that_are_not_there(complaint):
    assert complaint(goes_over, query="name=x") == ""
    assert complaint(goes_over, query="secret=x").endswith("?secret")
    assert complaint(goes_over, query="sort=x").endswith("?sort")
