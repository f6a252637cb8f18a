"""Names that differ by case or a blank are different names, on a real database as well."""

import pytest

from cairn.common.policy import Policy
from cairn.placement.component import make
from cairn.placement.db.models import Base
from cairn.placement.policy import RULES


@pytest.fixture
def placement(mariadb):
    return make(mariadb(Base), Policy(RULES))


def test_providers(call, provider):
    ids = {name: provider(name) for name in ("node", "Node", "node ")}
    assert len(set(ids.values())) == 3
    for name, id_ in ids.items():
        answer = call("GET", "/resource_providers?name=" + name.replace(" ", "%20"))
        assert [found["uuid"] for found in answer.json["resource_providers"]] == [id_]
    assert call("POST", "/resource_providers", {"name": "Node"}).status_code == 409


@pytest.mark.parametrize("path", ["traits/CUSTOM_A", "resource_classes/CUSTOM_A"])
def test_traits_and_classes(call, path):
    assert call("PUT", f"/{path}").status_code == 201
    assert call("GET", f"/{path}").status_code in (200, 204)
    assert call("GET", f"/{path.replace('CUSTOM', 'Custom')}").status_code == 404
