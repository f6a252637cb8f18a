# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.filter import precheck

GROUPS = {"all": ["a", "b"], "ungrouped": [], "controller": ["a"], "network": ["a"],
          "compute": ["a", "b"]}


def seen(address="192.0.2.1", **other):
    host = {"problems": [], "addresses": ["192.0.2.1", "192.0.2.2"]}
    return {"python": {"rc": 0}, "host": host, "clock": {"problems": []}, "address": address,
            **other}


def test_a_good_inventory_is_not_complained_about():
    assert precheck.inventory_problems(GROUPS) == []
    assert precheck.inventory_problems({**GROUPS, "dc1": ["a", "b"]}) == []
    assert precheck.inventory_problems({**GROUPS, "all": ["a", "b", "localhost"]}) == []


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({**GROUPS, "compute": []}, "no host in the group compute"),
        ({"all": ["a"], "controller": ["a"], "compute": ["a"]}, "at least one under [network]"),
        ({**GROUPS, "all": ["a", "b", "c"], "computes": ["c"]}, "is one of computes misspelt?"),
    ],
)
def test_what_an_inventory_lacks_is_named(groups, said):
    assert any(said in problem for problem in precheck.inventory_problems(groups))


@pytest.mark.parametrize(
    ("looked", "said"),
    [
        ({"a": seen(python={"unreachable": True, "msg": "no route"})}, "be reached (no route)"),
        ({"a": seen(python={"rc": 1})}, "apt-get install python3"),
        ({"a": seen(host={"msg": "boom"})}, "(boom)"),
        ({"a": seen(host={"problems": ["it is blue"], "addresses": ["192.0.2.1"]})}, "it is blue"),
        ({"a": seen(clock={"problems": ["it is late"]})}, "it is late"),
        ({"a": seen(address="")}, "set host_address"),
        ({"a": seen(address="192.0.2.9")}, "192.0.2.9 is none of its addresses"),
        ({"a": seen(), "b": seen()}, "b has the same address"),
    ],
)
def test_what_is_in_a_host_s_way_is_named(looked, said):
    problems = precheck.host_problems(looked, "a")
    assert len(problems) == 1
    assert said in problems[0]


def test_a_good_host_is_not_complained_about():
    assert precheck.host_problems({"a": seen(), "b": seen("192.0.2.2")}, "a") == []


def test_sentences_are_sentences():
    assert precheck.sentences(["it is blue", "why?"], "a") == "a: it is blue.\na: why?"
