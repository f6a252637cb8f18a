"""Which names hosts may have, and whose they are."""

import pytest

from cairn.neutron.core import names, options


@pytest.mark.parametrize(("given", "kept"), [
    ("Web", "web"), ("a", "a"), ("a-b.c", "a-b.c"), ("web.example.org.", "web.example.org."),
    ("a" * 63, "a" * 63), ("1", "1"), ("xn--bcher-kva", "xn--bcher-kva")])
def test_names(given, kept):
    assert names.host(given, "example.org") == kept


@pytest.mark.parametrize("given", [
    "", ".", "a.", "-a", "a-", "a..b", "a_b", "a b", " a", "a\n", "a\nb", "b\u00fccher", "a" * 64,
    "a.5", "example.org.", ".example.org.", "web.example.com.", "evilexample.org.", "a/b", "a,b",
    "a#b", "a%b", ".".join(["a" * 60] * 4), "\u212a"])
def test_no_names(given):
    # The Kelvin sign in lower case is a k: what is kept is what was checked.
    if given == "\u212a":
        assert names.host(given, "example.org") == "k"
        return
    with pytest.raises(ValueError):
        names.host(given, "example.org")


def port(id, project, name, since, address="10.0.0.5"):
    return {"id": id, "project_id": project, "dns_name": name, "since": since, "address": address}


def test_who_had_a_name_first_keeps_it():
    assert names.shared_out([
        port("b", "blue", "bank", 2), port("a", "red", "bank", 1), port("c", "red", "bank", 3),
        port("d", "blue", "bank.example.org.", 4), port("e", "blue", "", 0),
    ], "example.org") == {
        "a": "bank", "b": "host-10-0-0-5", "c": "bank", "d": "host-10-0-0-5",
        "e": "host-10-0-0-5"}


@pytest.mark.parametrize("name", ["host-10-0-0-66", "wpad", "localhost", "isatap"])
def test_names_that_nobody_may_take(name):
    assert names.shared_out([port("a", "red", name, 1)], "example.org") == {"a": "host-10-0-0-5"}


def test_options():
    assert options.name("bootfile-name", 4) == "bootfile-name"
    assert options.name("0150", 4) == "150"
    for name, version in (("0", 4), ("255", 4), ("mtu", 6), ("x", 4), ("mtu ", 4), ("\u0666", 4)):
        with pytest.raises(ValueError):
            options.name(name, version)
    assert options.value("", "router") == ""
    for value in ("", " ", "a\nb", "\u00e9", "a\0"):
        with pytest.raises(ValueError):
            options.value(value, "mtu")
