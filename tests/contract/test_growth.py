"""Nothing grows for ever: each table of each component has an age, or says what bounds it."""

import importlib
from pathlib import Path

import pytest

from cairn.common.manage import COMPONENTS
from cairn.common.process import find

DOC = Path(__file__).parents[2] / "docs/operate/security.md"


def room(component):
    return importlib.import_module(f"cairn.{component}.core.purge")


def purge(component):
    return room(component).make(find(room(component).PROCESS).settings(), None, None)


def aging(component):
    ages = purge(component)
    return {table for thing in (*ages.ages, *ages.orphans) for table in thing.tables}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_table_has_an_age_or_a_bound(component):
    models = importlib.import_module(f"cairn.{component}.db.models")
    tables = set(models.Base.metadata.tables)
    kept = room(component).KEPT
    missing = tables - aging(component) - set(kept)
    assert not missing, (f"say in cairn/{component}/core/purge.py what removes old rows of "
                         f"{sorted(missing)}, or (KEPT) what bounds them")
    assert aging(component) | set(kept) <= tables
    assert not aging(component) & set(kept)
    assert all(kept.values())


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_manual_names_what_ages(component):
    growth = DOC.read_text().partition("## Growth")[2]
    ages = purge(component)
    for thing in (*ages.ages, *ages.orphans):
        assert f"{component}: {thing.what}" in growth


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_a_purge_asks_a_real_database_understands(component, mariadb):
    models = importlib.import_module(f"cairn.{component}.db.models")
    db = mariadb(models.Base)
    purge = room(component).make(find(room(component).PROCESS).settings(), db, None)
    assert not any(purge.run(pretend=True).values())
    assert not any(purge.run().values())
