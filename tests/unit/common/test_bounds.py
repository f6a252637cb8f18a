"""What comes from elsewhere never names anything outside of its folder."""

import pytest

from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Invalid

ID = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize("value", [
    "", "x", "../" + ID, ID + "/..", ID.replace("-", ""), "{" + ID + "}", ID + "\n", None, 7,
    "AAAAAAAA-1111-4111-8111-111111111111", ["a"],
])
def test_only_a_uuid_is_one(value):
    with pytest.raises(Invalid, match="server"):
        uuid_of(value, "server")


def test_a_uuid_is_one():
    assert uuid_of(ID, "server") == ID


@pytest.mark.parametrize("names", [("..",), (".",), ("",), ("a/b",), ("/etc",), ("a", ".."),
                                   ("a\0b",), ()])
def test_no_name_leaves_the_folder(tmp_path, names):
    with pytest.raises(Invalid):
        below(tmp_path, *names)


def test_no_link_leaves_the_folder(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "out").symlink_to(tmp_path)
    (home / "in").symlink_to(home / "x")
    for names in (("out",), ("out", "a"), ("in",)):
        with pytest.raises(Invalid):
            below(home, *names)
    assert below(home, "a", "b") == home / "a" / "b"
