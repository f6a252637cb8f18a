"""The language of filter and goodness functions, and that of extra specs."""

import pytest

from cairn.cinder.core.capabilities import lacks, matches
from cairn.cinder.scheduler.expressions import BadExpression, evaluate

FACTS = {
    "volume": {"size": 10}, "stats": {"total_capacity_gb": 100.0},
    "capabilities": {"free": 40, "name": "fast", "thin": True}, "extra": {"iops": "500"},
    "qos": {},
}


@pytest.mark.parametrize(("text", "value"), [
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("2 ^ 3", 8), ("-2 + 5", 3), ("7 / 2", 3.5),
    ("10 - 3 - 2", 5), ("volume.size < 20", True), ("volume.size >= 20", False),
    ("(volume.size < 5) ? 100 : 50", 50), ("volume.size<50?1:0", 1),
    ("capabilities.name == 'fast' and not (1 > 2)", True),
    ("capabilities.name != 'fast' || extra.iops > 400", True),
    ("!(volume.size == 10) && 1 == 1", False), ("min(3, volume.size)", 3), ("max(3, 4, 5)", 5),
    ("abs(3 - 5)", 2), ("max(7)", 7), ("(stats.total_capacity_gb > 50) and true", True),
    ("1 < 2 ? 3 < 2 ? 1 : 2 : 3", 2), (".5 * 4", 2), ("1e3", 1000),
    # What is not asked for is not looked at.
    ("volume.size == 10 or qos.x > 1", True), ("1 == 1 ? 5 : 1 / 0", 5),
])
def test_what_it_comes_to(text, value):
    assert evaluate(text, FACTS) == value


@pytest.mark.parametrize("text", [
    "", "1 +", "(1", "1)", "a", "volume.nothing", "x.y", "1 / 0", "9 ^ 999", "min()", "abs(1, 2)",
    "__import__('os')", "volume.__class__", "capabilities.name + 1", "1; 2", "1 ? 2", "'a", "$",
    "(" * 200 + "1" + ")" * 200, "1 + " * 5000 + "1", "(-8) ^ .5", "volume.size < 'a'",
    "max(1, 'a')", "lambda: 1", "-'a'"])
def test_what_is_not_of_the_language(text):
    with pytest.raises(BadExpression):
        evaluate(text, FACTS)


def test_the_longest_is_read():
    assert evaluate("1" + "+1" * 499, FACTS) == 500
    assert evaluate("not " * 200 + "true", FACTS) is True


@pytest.mark.parametrize(("value", "text", "is_so"), [
    ("a", "a", True), ("a", "b", False), (True, "<is> True", True), (False, "<is> True", False),
    ("false", "<is> False", True), (True, "True", True), (5, ">= 4", True), (5, ">= 6", False),
    (5, "<= 5", True), (5, "== 5.0", True), (5, "!= 5", False), (5, "= 4", True),
    ("x", ">= 4", False), ("abc", "<in> b", True), ("abc", "<in> x", False),
    ("b", "<or> a <or> b", True), ("c", "<or> a <or> b", False), ("b", "s== b", True),
    ("b", "s!= b", False), ("b", "s> a", True), ("b", "s<= a", False), ("", "", True),
    (5, "5", True), ("a", ">=", False)])
def test_operators_of_extra_specs(value, text, is_so):
    assert matches(value, text) is is_so


@pytest.mark.parametrize(("specs", "part"), [
    ({"name": "fast"}, None), ({"capabilities:free": ">= 10"}, None),
    ({"provisioning:type": "thick", "RESKEY:availability_zones": "x"}, None),
    ({"capabilities:deep:er": "1"}, None), ({"tags": "<all-in> a <all-in> b"}, None),
    ({"tags": "<in> a"}, None), ({"tags": "<all-in> a <all-in> z"}, "tags is"),
    ({"storage_protocol": "iscsi"}, None), ({"storage_protocol": "nfs"}, "storage_protocol is"),
    ({"free": ">= 50"}, "free is 40, it shall be >= 50"),
    ({"colour": "red"}, "nothing of colour, which shall be red")])
def test_what_a_pool_lacks(specs, part):
    facts = {"name": "fast", "free": 40, "deep": {"er": 1}, "tags": ["a", "b"],
             "storage_protocol": "iSCSI"}
    reason = lacks(specs, facts)
    assert reason is None if part is None else part in reason
