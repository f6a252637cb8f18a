"""Migrations make what the models say, from nothing, and a second run changes nothing."""

import contextlib

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase

from cairn.common import migrate
from cairn.common.db import Database, new_metadata
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


class Empty(DeclarativeBase):
    metadata = new_metadata()


class Killed(BaseException):
    """Ends a migration as a kill does: nothing that handles errors hears of it."""


class Killer:
    """Ends each run at the statement after the one that ended the run before."""

    def __init__(self):
        self.kills, self.survives, self.count, self.heads = 0, 0, 0, None

    def begin(self, heads):
        # What a finished revision did is not done again: its statements are no longer counted.
        self.survives = self.survives + 1 if heads == self.heads else 0
        self.heads, self.count = heads, 0

    def __call__(self, connection, cursor, statement, *_):
        if statement.split()[0].upper() in {"CREATE", "ALTER", "DROP", "UPDATE", "INSERT"}:
            self.count += 1
            if self.count > self.survives:
                self.kills += 1
                raise Killed


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_migration_that_is_killed_again_and_again_ends_well(mariadb, component):
    db, killer = mariadb(Empty), Killer()
    event.listen(db.engine, "before_cursor_execute", killer)
    while True:
        with db.engine.connect() as connection:
            killer.begin(MigrationContext.configure(connection).get_current_heads())
        with contextlib.suppress(Killed):
            migrate.sync(component, db)
            break
    event.remove(db.engine, "before_cursor_execute", killer)
    assert killer.kills > 20
    assert migrate.differences(component, db) == []
    assert migrate.sync(component, db) is False
