"""Every endpoint, with everything in its request wrong in turn: made of its own declaration."""

import re

from cairn.cinder.app import APIS
from cairn.common.errors import Problem

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.
VALUES = (None, True, 10**30, "a\x00b", "\U0001f600" * 300, "x" * 70_000, [None], {"": None})
IDS = (NONE, "x", "x" * 300, "..", "%00", "%F0%9F%98%80", "' or 1=1 --", "%2e%2e%2f")
TEXTS = ("", "x", "-1", "1" * 40, "%00", "%FF", "{}", "[1]", "{'a':", "a:b:c", "y" * 3000,
         "%F0%9F%98%80")
ENDPOINTS = [endpoint for api in APIS for endpoint in api.endpoints]


def parts(schema, at=()):
    """The places in a body that the schema has names for, outermost first."""
    if not isinstance(schema, dict):
        return
    for name, inner in (schema.get("properties") or {}).items():
        yield (*at, name)
        yield from parts(inner, (*at, name))


def whole(schema):
    """The least body that has all the names of the schema: each with a text."""
    if not isinstance(schema, dict) or not schema.get("properties"):
        return "x"
    return {name: whole(inner) for name, inner in schema["properties"].items()}


def bodies(schema):
    """(what is wrong, the body) of one endpoint."""
    base = whole(schema)
    yield from ((None, wrong) for wrong in (None, [], {}, "x", {"junk": 1}))
    for place in parts(schema):
        for value in VALUES:
            yield place[-1], put(base, place, value)
        yield "junk", put(base, (*place[:-1], "junk"), 1)


def put(body, place, value):
    """The body with that value there; the least that leads to it where it has no such place."""
    name, *rest = place
    body = dict(body) if isinstance(body, dict) else {}
    body[name] = put(body.get(name), rest, value) if rest else value
    return body


def newest(endpoint):
    """The newest microversion that has it."""
    return "{}.{}".format(*(endpoint.until or (3, 71)))


def test_bodies(call, volume):
    for endpoint in ENDPOINTS:
        if endpoint.body is None:
            continue
        path = re.sub("<[^>]+>", volume, endpoint.path)
        for field, body in bodies(endpoint.body):
            answer = call(endpoint.method, path, body, who="admin", version=newest(endpoint))
            assert answer.status_code < 500, (path, body, answer.json)
            if answer.status_code < 400:
                continue
            [problem] = answer.json.values()
            assert problem["code"] == answer.status_code, (path, body)
            assert 0 < len(problem["message"]) < 2000, (path, field, len(problem["message"]))
            if body and endpoint.action is None and not fits(endpoint, body):
                assert "field/attribute" in problem["message"], (path, body, problem)


def fits(endpoint, body):
    """Whether its schema has nothing against the body."""
    try:
        endpoint.check_body(body)
    except Problem:
        return False
    return True


def test_queries(call):
    for endpoint in ENDPOINTS:
        if endpoint.query is None:
            continue
        path = re.sub("<[^>]+>", NONE, endpoint.path)
        for name in (*(endpoint.query.get("properties") or {}), "junk", "", "limit"):
            for value in TEXTS:
                answer = call(endpoint.method, f"{path}?{name}={value}&{name}=2", who="admin",
                              version=newest(endpoint))
                assert answer.status_code < 500, (path, name, value, answer.json)
                answer = call(endpoint.method, f"{path}?{name}={value}", who="admin",
                              version=newest(endpoint))
                assert answer.status_code < 500, (path, name, value, answer.json)


def test_paths(call):
    for endpoint in ENDPOINTS:
        if "<" not in endpoint.path:
            continue
        body = None if endpoint.body is None else {endpoint.action: {}} if endpoint.action else {}
        for id_ in IDS:
            path = re.sub("<[^>]+>", id_, endpoint.path)
            answer = call(endpoint.method, path, body, who="admin", version=newest(endpoint))
            assert answer.status_code < 500, (endpoint.method, path, answer.json)
