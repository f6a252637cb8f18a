"""Names in bodies, wherever their schema has them."""

import re

import jsonschema_rs
import pytest

from cairn.common import names
from cairn.common.api import Validator
from cairn.common.errors import Invalid

SERVER = {"type": "object", "properties": {"server": {
    "type": "object", "properties": {
        "name": {"type": "string"}, "key_name": {"type": ["string", "null"]},
        "description": {"type": "string"}, "metadata": {"type": "object"},
        "rules": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}}}},
        "port": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
            "dns_name": {"type": "string"}}}]},
    }}}}


@pytest.mark.parametrize("sign", ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028"])
@pytest.mark.parametrize(("document", "where"), [
    (lambda name: {"name": name}, "server.name"),
    (lambda name: {"name": "a", "key_name": name}, "server.key_name"),
    (lambda name: {"rules": [{"name": "a"}, {"name": name}]}, "server.rules.1.name"),
    (lambda name: {"port": {"dns_name": name}}, "server.port.dns_name"),
])
def test_one_with_control_characters_is_none(document, where, sign):
    check = Validator(SERVER)
    with pytest.raises(Invalid, match=re.escape(f"field/attribute {where}.")):
        check({"server": document(f"a{sign}b")})
    check({"server": document("größe 1/2 & ☃ \u00a0")})


@pytest.mark.parametrize("document", [
    {"name": "a", "description": "two\nlines"}, {"metadata": {"name": "two\nlines"}},
    {"key_name": None}, {"port": None}, {"rules": []}, {},
])
def test_what_is_no_name(document):
    Validator(SERVER)({"server": document})


def test_what_is_only_looked_up():
    Validator(SERVER, looks_up=True)({"server": {"name": "a\nb"}})


@pytest.mark.parametrize(("text", "fits"), [
    ("a b", True), ("é", True), ("a/b", False), ("a\nb", False), ("a\0", False), ("a\n", False),
    ("\u2028", False),
])
def test_what_stands_in_a_path(text, fits):
    assert jsonschema_rs.validator_for({"pattern": names.SEGMENT}).is_valid(text) is fits
