"""Patterns from outside: what they mean, and that none of them takes the process with it."""

import subprocess
import sys

import pytest

from cairn.common.patterns import bounded, linear

# Each takes Python's own engine, or a naive one, longer than anybody waits.
BOMBS = ["(a+)+$", "(a|a?)+$", "(a|aa)*b$", "(.*)*x", "(?:a?){60}a{60}b", "(a*)*(a*)*(a*)*b"]


@pytest.mark.parametrize(("pattern", "text", "fits"), [
    ("^web-[0-9]+$", "web-12", True), ("^web-[0-9]+$", "a web-12", False),
    ("b", "abc", True), ("^(a|b)$", "b", True), (r"\.example$", "www.example", True),
])
def test_both_engines_search(pattern, text, fits):
    assert linear(pattern)(text) is fits
    assert bounded(pattern)(text) is fits


@pytest.mark.parametrize("pattern", ["(", "[a", "(a{1000}){1000}", "*"])
def test_what_is_none(pattern):
    for compiled in (linear, bounded):
        with pytest.raises(ValueError, match="not a regular expression"):
            compiled(pattern)


@pytest.mark.parametrize("pattern", ["(?=a)a", r"(a)\1"])
def test_only_operators_look_around(pattern):
    with pytest.raises(ValueError, match="not a regular expression"):
        linear(pattern)
    assert bounded(pattern)("aa")


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_bomb_is_a_dud(pattern):
    code = ("import sys; from cairn.common.patterns import bounded, linear\n"
            "for text in ('a' * 4000 + '!', 'a' * 40):\n"
            "    linear(sys.argv[1])(text); bounded('(?=a)' + sys.argv[1])(text)")
    subprocess.run([sys.executable, "-c", code, pattern], check=True, timeout=60)
