"""Migrations make what the models say, from nothing, and a second run changes nothing."""

import pytest

from cairn.common import migrate
from cairn.common.db import Database
from cairn.common.manage import COMPONENTS


@pytest.mark.parametrize("component", COMPONENTS)
def test_migrations_make_what_the_models_say(component, tmp_path):
    db = Database(f"sqlite:///{tmp_path}/{component}.db")
    try:
        assert migrate.sync(component, db) is True
        assert migrate.differences(component, db) == []
        assert migrate.sync(component, db) is False
    finally:
        db.engine.dispose()
