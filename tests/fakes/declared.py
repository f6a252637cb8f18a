"""Requests that are watched: all that is read of their queries, and every code they are answered
with, is declared, or docs/api would tell less than there is. In a component's conftest:

    watched = pytest.fixture(autouse=True)(watch)

A handler that goes over the names there are, by `keys()`, does so to refuse those it does not know,
as neutron's lists do. What it also asks for and does not find may be no parameter: a reader that
components share may know more names than this one lets through. Of such a query only what was there
to be read must be declared.
"""

import re
from dataclasses import dataclass, field
from functools import cache

import flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS
from cairn.common.microversions import text


@dataclass
class Reads:
    """What was read of a query and of its copies."""

    asked: set = field(default_factory=set)
    gone_over: bool = False


class Remembering:
    """Of a MultiDict: the reads of it."""

    def __init__(self, pairs=None):
        super().__init__(pairs)
        self.reads = Reads()

    def copy(self):
        made = Copy(self)
        made.reads = self.reads
        return made

    def keys(self):
        self.reads.gone_over = True
        return super().keys()

    def __contains__(self, name):
        self.reads.asked.add(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        self.reads.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, *more, **options):
        self.reads.asked.add(name)
        return super().get(name, *more, **options)

    def getlist(self, name, *more):
        self.reads.asked.add(name)
        return super().getlist(name, *more)


class Query(Remembering, ImmutableMultiDict):
    """A query string."""


class Copy(Remembering, MultiDict):
    """A copy of it, to be changed."""

    def pop(self, name, *more):
        self.reads.asked.add(name)
        return super().pop(name, *more)

    def poplist(self, name):
        self.reads.asked.add(name)
        return super().poplist(name)


class Request(flask.Request):
    parameter_storage_class = Query


@cache
def served():
    """The declarations by component, method and rule."""
    made = {}
    for name in COMPONENTS:
        for one in declarations(name):
            rule = one.mount.prefix + one.endpoint.path
            made.setdefault((name, one.endpoint.method, rule), []).append(one)
    return made


def takes(endpoint, name):
    """Whether the endpoint declares the parameter."""
    query = endpoint.query or {}
    return name in query.get("properties", {}) or any(
        re.search(pattern, name) for pattern in query.get("patternProperties", {}))


def undeclared(variants, request, response):
    """What a request read that none of the variants of its endpoint declares, and the code of its
    success, if none of those of its microversion does."""
    reads, there = request.args.reads, dict(request.args.lists())
    for name in reads.asked:
        if reads.gone_over and name not in there:
            continue
        if not any(takes(one.endpoint, name) for one in variants):
            yield f"?{name}"
    if response.status_code < 400:
        spoken = variants[0].mount.microversions
        version = spoken.negotiate(request.headers) if spoken else (0, 0)
        if not any(response.status_code in (one.endpoint.status, *one.endpoint.also)
                   for one in variants if one.endpoint.speaks(version)):
            yield f"{response.status_code} in {text(version)}" if spoken else response.status_code


def watch(monkeypatch):
    """Fails where a request of the test did what its endpoint does not declare."""
    monkeypatch.setattr(flask.Flask, "request_class", Request)
    more = set()

    def look(app, response, **_):
        request = flask.request
        if request.url_rule is None:
            return
        component = app.name.removeprefix("cairn.")
        rule = request.url_rule.rule.replace("/<project:project_in_path>", "")
        for method in (request.method, "GET" if request.method == "HEAD" else ""):
            if variants := served().get((component, method, rule)):
                more.update(f"{component}: {request.method} {rule}: {what}"
                            for what in undeclared(variants, request, response))
                return

    with flask.request_finished.connected_to(look):
        yield
    assert not more, "\n".join(sorted(more))
