"""Access rules of application credentials."""

import itertools
import subprocess
import sys

import pytest

from cairn.common.access_rules import MOST, fits, permits


@pytest.mark.parametrize(("rule", "path", "passes"), [
    ("/v2.1/servers", "/v2.1/servers", True),
    ("/v2.1/servers", "/v2.1/servers/a", False),
    ("/v2.1/servers/*/ips", "/v2.1/servers/a/ips", True),
    ("/v2.1/servers/{id}", "/v2.1/servers/a", True),
    ("/v2.1/servers/*", "/v2.1/servers/a/ips", False),
    ("/v2.1/**", "/v2.1/servers/a/ips", True),
    ("/v2.1/servers", "/v2x1/servers", False),
    ("/v2.1/servers/*", "/v2.1/servers/", False),
    ("/v2.1/ser*s", "/v2.1/servers", True),
    ("/v2.1/**/ips", "/v2.1/servers/a/ips", True),
    ("/v2.1/{id", "/v2.1/{id", True),
])
def test_a_rules_path(rule, path, passes):
    rules = [{"service": "compute", "method": "GET", "path": rule}]
    assert permits(rules, "compute", "GET", path) is passes
    assert not permits(rules, "compute", "POST", path)
    assert not permits(rules, "network", "GET", path)


def test_no_rule_lets_nothing_pass():
    assert not permits([], "compute", "GET", "/")


def test_only_so_many_are_looked_at():
    rule = {"service": "compute", "method": "GET", "path": "/a"}
    other = {**rule, "path": "/b"}
    assert permits([other] * (MOST - 1) + [rule], "compute", "GET", "/a")
    assert not permits([other] * MOST + [rule], "compute", "GET", "/a")


def _slowly(pattern, path):
    """The same by trying everything."""
    if not pattern:
        return not path
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_slowly(rest, path[n:]) for n in range(len(path) + 1))
    if first == "*":
        end = (path + "/").index("/")
        return any(_slowly(rest, path[n:]) for n in range(1, end + 1))
    return path[:1] == first and _slowly(rest, path[1:])


def test_it_agrees_with_one_that_tries_everything():
    paths = ["/" + "".join(letters)
             for n in range(5) for letters in itertools.product("a/", repeat=n)]
    for parts in itertools.product(["a", "/", "*", "**"], repeat=3):
        if any(a == "*" and b[0] == "*" for a, b in itertools.pairwise(parts)):
            continue  # Two stars are another sign.
        for path in paths:
            assert fits("/" + "".join(parts), path) is _slowly(["/", *parts], path), (parts, path)


@pytest.mark.parametrize("rule", ["/" + "**a" * 74, "/" + "{x}*" * 56, "/" + "*" * 224])
def test_a_bomb_is_a_dud(rule):
    code = ("import sys; from cairn.common.access_rules import permits\n"
            "rules = [{'service': 's', 'method': 'GET', 'path': sys.argv[1] + str(n)}"
            " for n in range(100)]\n"
            "assert not permits(rules, 's', 'GET', '/' + 'a' * 8000 + '!')")
    subprocess.run([sys.executable, "-c", code, rule], check=True, timeout=60)
