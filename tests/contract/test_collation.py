"""MariaDB compares texts exactly, on new clouds and on those that did not yet."""

import importlib
import itertools
from pathlib import Path

import pytest
import yaml
from ansible_collections.cairn.cloud.plugins.modules import mariadb_database
from fakes.kills import Killed, killed_after
from sqlalchemy import select, text

from cairn.common import collation, migrate
from cairn.common.manage import COMPONENTS

ROOT = Path(__file__).parents[2]
# The last revision of each component that was made where texts were not compared exactly.
BEFORE = {"glance": "0004", "keystone": "0004", "neutron": "0005", "nova": "0004",
          "placement": "0002"}


def columns(db):
    """What of each text a comparison hangs on, with the keys over it."""
    with db.engine.connect() as connection:
        texts = connection.execute(text(
            "SELECT table_name, column_name, column_type, is_nullable, column_default,"
            " collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND table_name <> 'alembic_version'"))
        keys = connection.execute(text(
            "SELECT table_name, constraint_name, referenced_table_name, delete_rule, update_rule"
            " FROM information_schema.referential_constraints"
            " WHERE constraint_schema = DATABASE()"))
        tables = connection.execute(text(
            "SELECT table_name, table_collation FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"))
        return [sorted(map(repr, found)) for found in (texts, keys, tables)]


def test_a_cloud_has_the_collation_that_migrations_make():
    settings = yaml.safe_load((ROOT / "roles/mariadb/vars/main.yml").read_text())
    deployed = settings["__mariadb_settings"]["collation_server"]
    assert collation.COLLATION == deployed == mariadb_database.COLLATION


@pytest.mark.parametrize("component", BEFORE)
def test_a_cloud_of_before_gets_what_the_models_say(component, schema, mariadb):
    models = importlib.import_module(f"cairn.{component}.db.models")
    db = schema(collation.BEFORE)
    assert migrate.sync(component, db, BEFORE[component])
    assert migrate.sync(component, db)
    assert not migrate.sync(component, db)
    assert migrate.differences(component, db) == []
    assert columns(db) == columns(mariadb(models.Base))


def test_and_its_rows_whenever_its_migration_is_killed(schema, mariadb):
    """Each run comes one statement further than the one before it."""
    models = importlib.import_module("cairn.nova.db.models")
    db = schema(collation.BEFORE)
    migrate.sync("nova", db, BEFORE["nova"])
    with db.writing() as session:
        session.add(models.Flavor(id="m1", name="small", vcpus=1, ram=1, disk=1))
        session.flush()
        session.add(models.FlavorAccess(flavor_id="M1", project_id="red"))
        session.add(models.Aggregate(name="a", meta={"A": "a "}))
    for statements in itertools.count(1):
        try:
            with killed_after(db, statements):
                migrate.sync("nova", db)
            break
        except Killed:
            pass
    assert statements > 5
    assert columns(db) == columns(mariadb(models.Base))
    with db.writing() as session:
        assert session.scalars(select(models.FlavorAccess.flavor_id)).all() == ["m1"]
        assert session.scalars(select(models.Aggregate.meta)).all() == [{"A": "a "}]
        session.add(models.Aggregate(name="A"))


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_new_one_has_it_as_well(component, schema, mariadb):
    models = importlib.import_module(f"cairn.{component}.db.models")
    db = schema()
    assert migrate.sync(component, db)
    assert columns(db) == columns(mariadb(models.Base))
