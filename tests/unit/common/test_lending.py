"""What one process lends another: a few requests in its name, for a while."""

from types import SimpleNamespace

import pytest

from cairn.common.client import Neighbours
from cairn.common.errors import Remote
from cairn.common.settings import IdentitySettings


class Ours:
    """Stands for keystoneauth's session: its first token was ended, those after it are good."""

    def __init__(self, good):
        self.number, self.good = 0, good

    def get_token(self):
        return f"token {self.number}"

    def invalidate(self):
        self.number += 1


@pytest.fixture
def lender(monkeypatch):
    def lender(good):
        neighbours = Neighbours(IdentitySettings(auth_url="http://keystone/v3"))
        ours = Ours(good)
        asked = []

        def post(service, path, json):
            asked.append(json["auth"])
            if json["auth"]["identity"]["token"]["id"] != good:
                raise Remote("identity 404", 404, "Could not find token")
            return SimpleNamespace(headers={"X-Subject-Token": "narrow"})

        monkeypatch.setattr(neighbours, "_session", ours)
        monkeypatch.setattr(neighbours, "post", post)
        monkeypatch.setattr(neighbours, "endpoint", lambda *_: "http://glance")
        return neighbours, asked

    return lender


def test_only_what_was_named_and_not_for_long(lender):
    neighbours, asked = lender("token 0")
    lent = neighbours.lend("image", [("GET", "/v2/images/a/file")], 300)
    assert lent == ("http://glance", "narrow")
    assert asked[0]["CAIRN:narrow"] == {"seconds": 300, "access_rules": [
        {"service": "image", "method": "GET", "path": "/v2/images/a/file"}]}
    assert asked[0]["scope"]["project"]["name"] == "service"


def test_a_token_of_ours_that_was_ended_is_replaced(lender):
    neighbours, asked = lender("token 1")
    assert neighbours.lend("image", [], 300)[1] == "narrow"
    assert len(asked) == 2


def test_a_keystone_that_refuses_is_not_asked_for_ever(lender):
    neighbours, asked = lender("none")
    with pytest.raises(Remote):
        neighbours.lend("image", [], 300)
    assert len(asked) == 2
