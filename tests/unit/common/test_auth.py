"""Access rules of application credentials."""

import pytest

from cairn.common.auth import permits


@pytest.mark.parametrize(("rule", "path", "passes"), [
    ("/v2.1/servers", "/v2.1/servers", True),
    ("/v2.1/servers", "/v2.1/servers/a", False),
    ("/v2.1/servers/*/ips", "/v2.1/servers/a/ips", True),
    ("/v2.1/servers/{id}", "/v2.1/servers/a", True),
    ("/v2.1/servers/*", "/v2.1/servers/a/ips", False),
    ("/v2.1/**", "/v2.1/servers/a/ips", True),
    ("/v2.1/servers", "/v2x1/servers", False),
])
def test_a_rules_path(rule, path, passes):
    rules = [{"service": "compute", "method": "GET", "path": rule}]
    assert permits(rules, "compute", "GET", path) is passes
    assert not permits(rules, "compute", "POST", path)
    assert not permits(rules, "network", "GET", path)


def test_no_rule_lets_nothing_pass():
    assert not permits([], "compute", "GET", "/")
