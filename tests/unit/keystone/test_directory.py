"""Catalog templates and what roles imply."""

import pytest

from cairn.keystone.providers.directory import Graph, address


@pytest.mark.parametrize(("template", "project", "found"), [
    ("http://x/v2", None, "http://x/v2"),
    ("http://x/$(project_id)s", "p", "http://x/p"),
    ("http://x/%(tenant_id)s/y", "p", "http://x/p/y"),
    ("http://x/$(project_id)s", None, None),
    ("http://x/$(user_id)s", None, "http://x/u"),
])
def test_an_address_is_written_for_its_caller(template, project, found):
    assert address(template, project, "u") == found


def test_roles_come_with_what_they_imply_and_without_those_of_domains():
    graph = Graph(
        {"1": "admin", "2": "member", "3": "own"}, {"1": "", "2": "", "3": "blue"},
        {"1": frozenset("12"), "2": frozenset("2"), "3": frozenset("32")},
    )
    assert [role["name"] for role in graph.expand({"1"})] == ["admin", "member"]
    assert [role["name"] for role in graph.expand({"3"})] == ["member"]
    assert graph.expand({"gone"}) == []
