"""Ids that a user chose and that differ by case or a blank are different, on a real database."""

import pytest

from cairn.common.context import Context
from cairn.keystone.core import regions
from cairn.keystone.db.models import Base
from cairn.keystone.errors import NotKnown

from .conftest import process


@pytest.fixture
def real(mariadb, keys):
    return process(mariadb(Base), keys)


def test_regions(real):
    ctx = Context()
    regions.create(real, ctx, {"id": "One"})
    with pytest.raises(NotKnown):
        regions.get(real, "one")
    regions.create(real, ctx, {"id": "one", "parent_region_id": "One"})
    regions.create(real, ctx, {"id": "One ", "parent_region_id": "one"})
    regions.delete(real, ctx, "one")
    assert regions.get(real, "One").id == "One"
    with pytest.raises(NotKnown):
        regions.get(real, "One ")
