"""The revisions make exactly what the models have."""

from cairn.common import migrate
from cairn.common.db import Database


def test_the_schema_is_that_of_the_models(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/keystone.db")
    assert migrate.sync("keystone", db)
    assert not migrate.sync("keystone", db)
    assert migrate.differences("keystone", db) == []
    db.engine.dispose()
