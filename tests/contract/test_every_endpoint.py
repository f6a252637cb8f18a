"""Promises every endpoint of every component keeps, checked from the declarations themselves."""

import importlib
import re
from types import SimpleNamespace

import pytest

from cairn.common.api import PUBLIC
from cairn.common.context import Context
from cairn.common.declared import declarations, mount_of
from cairn.common.manage import COMPONENTS
from cairn.common.microversions import text
from cairn.common.policy import BASE, Policy


def endpoints():
    for declared in declarations():
        endpoint = declared.endpoint
        yield pytest.param(declared.component, endpoint, id=" ".join(filter(None, (
            declared.component, endpoint.method, endpoint.path, endpoint.action,
            endpoint.since and text(endpoint.since)))))


ENDPOINTS = list(endpoints())


@pytest.fixture(scope="module")
def clients():
    """A client of each component, whose every caller is a stranger."""
    made = {}
    for component in COMPONENTS:
        rules = importlib.import_module(f"cairn.{component}.policy").RULES
        app = importlib.import_module(f"cairn.{component}.app")
        made[component] = app.create_app(
            SimpleNamespace(policy=Policy(rules)), lambda headers: None, {}).test_client()
    return made


@pytest.mark.parametrize(("component", "endpoint"), ENDPOINTS)
def test_a_stranger_is_turned_away(clients, component, endpoint):
    if endpoint.policy == PUBLIC:
        return
    mount = mount_of(component)
    path = mount.prefix + re.sub(r"<(?:\w+:)?\w+>", "any", endpoint.path)
    headers = {}
    if mount.microversions and endpoint.since:
        headers = mount.microversions.announce(endpoint.since)
    body = {endpoint.action: None} if endpoint.action else {}
    reply = clients[component].open(path, method=endpoint.method, json=body, headers=headers)
    assert reply.status_code == 401


@pytest.fixture(scope="module")
def permissive():
    """A client of each component, whose every caller may do all."""
    allowing = SimpleNamespace(enforce=lambda *rule: None, allows=lambda *rule: True)
    made = {}
    for component in COMPONENTS:
        app = importlib.import_module(f"cairn.{component}.app")
        made[component] = app.create_app(
            SimpleNamespace(policy=allowing), lambda headers: Context("root"), {}).test_client()
    return made


@pytest.mark.parametrize(("component", "endpoint"), [
    case for case in ENDPOINTS if case.values[1].body is not None and not case.values[1].raw])
def test_a_body_that_is_none_is_refused(permissive, component, endpoint):
    """Before anything is looked up: there is no database behind these."""
    mount = mount_of(component)
    path = mount.prefix + re.sub(r"<(?:\w+:)?\w+>", "any", endpoint.path)
    headers = {}
    if mount.microversions and endpoint.since:
        headers = mount.microversions.announce(endpoint.since)
    for data in (b"", b"{", b"no JSON", b"\xff\xfe", b'"text"', b"7", b'{"a": 1,}', b"NaN"):
        reply = permissive[component].open(
            path, method=endpoint.method, data=data, headers=headers,
            content_type="application/json")
        assert (data, reply.status_code) == (data, 400)


def objects(schema, where="body"):
    """Every object with named properties inside a schema, and where it is."""
    if isinstance(schema, dict):
        named = schema.get("properties")
        # With a $ref it is a field that is called properties, as metadata definitions have.
        if isinstance(named, dict) and "$ref" not in named:
            yield where, schema
        for name, inner in schema.items():
            yield from objects(inner, f"{where}.{name}")
    elif isinstance(schema, list | tuple):
        for number, inner in enumerate(schema):
            yield from objects(inner, f"{where}.{number}")


@pytest.mark.parametrize(("component", "endpoint"), ENDPOINTS)
def test_bodies_say_what_of_unknown_keys(component, endpoint):
    """Closed, or open on purpose (Keystone's resources take what they do not know)."""
    open_ = [where for where, schema in objects(endpoint.body or {})
             if "additionalProperties" not in schema]
    assert open_ == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_rule_that_a_rule_names_is_written(component):
    rules = {**BASE, **importlib.import_module(f"cairn.{component}.policy").RULES}
    Policy(rules)
    for name, rule in rules.items():
        named = set(re.findall(r"rule:([\w:.\-]+)", rule.check))
        assert named <= rules.keys(), name
