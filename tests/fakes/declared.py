"""Requests that are watched: all that is read of their queries, and every code they are answered
with, is declared, or docs/api would tell less than there is. In a component's conftest:

    watched = pytest.fixture(autouse=True)(watch)
"""

import re
from functools import cache

import flask
from werkzeug.datastructures import ImmutableMultiDict

from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS


class Query(ImmutableMultiDict):
    """A query string that remembers which parameters it was asked for."""

    def __init__(self, pairs=None):
        super().__init__(pairs)
        self.asked = set()

    def __contains__(self, name):
        self.asked.add(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, *more, **options):
        self.asked.add(name)
        return super().get(name, *more, **options)

    def getlist(self, name, *more):
        self.asked.add(name)
        return super().getlist(name, *more)


class Request(flask.Request):
    parameter_storage_class = Query


# What stands before the path of an endpoint where it is served.
PREFIX = re.compile(r"/v[0-9.]+(/<project:project_in_path>)?(?=/|$)")


@cache
def variants():
    """The variants of each endpoint by component, method and path."""
    made = {}
    for name in COMPONENTS:
        for one in declarations(name):
            endpoint = one.endpoint
            made.setdefault((name, endpoint.method, endpoint.path), []).append(endpoint)
    return made


def undeclared(endpoints, request, response):
    """What a request read, or was answered, that none of the endpoint's variants declares."""
    for name in request.args.asked:
        if not any(name in (endpoint.query or {}).get("properties", {}) or any(
                re.search(pattern, name)
                for pattern in (endpoint.query or {}).get("patternProperties", {})
        ) for endpoint in endpoints):
            yield f"?{name}"
    if response.status_code < 400 and not any(
            response.status_code in (endpoint.status, *endpoint.also) for endpoint in endpoints):
        yield response.status_code


def watch(monkeypatch):
    """Fails where a request of the test did what its endpoint does not declare."""
    monkeypatch.setattr(flask.Flask, "request_class", Request)
    more = set()

    def look(app, response, **_):
        rule = flask.request.url_rule
        if rule is None:
            return
        path = PREFIX.sub("", rule.rule, count=1)
        for method in (flask.request.method, "GET" if flask.request.method == "HEAD" else ""):
            if endpoints := variants().get((app.name.removeprefix("cairn."), method, path)):
                more.update((app.name, method, path, what)
                            for what in undeclared(endpoints, flask.request, response))
                return

    with flask.request_finished.connected_to(look):
        yield
    assert more == set()
