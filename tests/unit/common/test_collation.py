"""A schema that took names for others' comes to compare them exactly, wherever that is killed."""

import itertools

import pytest
from fakes.kills import Killed, killed_after
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from cairn.common import collation

# What one may meet: a key that is text, one of a table to itself, one that is a key itself, what
# goes with its parent and what stays; JSON, defaults, and a collation that somebody chose.
TABLES = """
CREATE TABLE regions (id VARCHAR(64) PRIMARY KEY, parent VARCHAR(64),
  name VARCHAR(255) NOT NULL DEFAULT 'it''s 5% :b', about TEXT, more JSON NOT NULL,
  own VARCHAR(8) COLLATE utf8mb4_bin, UNIQUE KEY uq_name (name),
  CONSTRAINT fk_parent FOREIGN KEY (parent) REFERENCES regions (id));
CREATE TABLE zones (region VARCHAR(64) PRIMARY KEY, number INT NOT NULL,
  CONSTRAINT fk_region FOREIGN KEY (region) REFERENCES regions (id) ON DELETE CASCADE);
CREATE TABLE hosts (id INT PRIMARY KEY AUTO_INCREMENT, zone VARCHAR(64), spare VARCHAR(64),
  CONSTRAINT fk_zone FOREIGN KEY (zone) REFERENCES zones (region) ON DELETE CASCADE,
  CONSTRAINT fk_spare FOREIGN KEY (spare) REFERENCES regions (id) ON DELETE SET NULL);
CREATE TABLE counts (host INT PRIMARY KEY, number INT,
  CONSTRAINT fk_host FOREIGN KEY (host) REFERENCES hosts (id))
"""
ROWS = """
INSERT INTO regions (id, parent, more) VALUES ('One', NULL, '{"a": 1}');
INSERT INTO regions (id, parent, name, more) VALUES ('two', 'ONE', 'b', '[]');
INSERT INTO zones VALUES ('one', 1);
INSERT INTO hosts VALUES (1, 'oNe', 'TWO '), (2, NULL, NULL);
INSERT INTO counts VALUES (1, 2)
"""


def run(db, statements):
    with db.engine.begin() as connection:
        for statement in statements.split(";\n"):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def make_exact(db):
    with db.engine.connect() as connection:
        collation.make_exact(connection)
        connection.commit()


def described(db):
    """The lines of each table as MariaDB shows it, but for their order: the keys' is that in which
    they were made."""
    with db.engine.connect() as connection:
        return {table: sorted(line.rstrip(",") for line in connection.exec_driver_sql(
                    f"SHOW CREATE TABLE `{table}`").one()[1].splitlines())
                for table in connection.scalars(text("SHOW TABLES")).all()}


def rows(db, table):
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]


@pytest.fixture
def old(schema):
    """old() -> a schema of before, with rows."""

    def old():
        db = schema("utf8mb4_general_ci")
        run(db, TABLES)
        run(db, ROWS)
        return db

    return old


@pytest.fixture
def expected(schema):
    db = schema()
    run(db, TABLES.replace(" COLLATE utf8mb4_bin", ""))
    run(db, ROWS.replace("'ONE'", "'One'").replace("'one'", "'One'").replace("'oNe'", "'One'")
        .replace("'TWO '", "'two'"))
    return db


def test_wherever_it_is_killed_the_next_run_ends_it(old, expected):
    for statements in itertools.count(1):
        db = old()
        try:
            with killed_after(db, statements):
                make_exact(db)
            ended = True
        except Killed:
            make_exact(db)
            ended = False
        assert described(db) == described(expected)
        for table in ("regions", "zones", "hosts", "counts"):
            assert rows(db, table) == rows(expected, table)
        if ended:
            break
    assert statements > 15


def test_its_keys_hold_afterwards(old):
    db = old()
    make_exact(db)
    for refused in ("INSERT INTO zones VALUES ('TWO', 1)", "UPDATE regions SET parent = 'ONE'",
                    "UPDATE hosts SET spare = 'two '"):
        with pytest.raises(IntegrityError):
            run(db, refused)
    run(db, "INSERT INTO regions (id, name, more) VALUES ('one', 'B', '1'), ('one ', 'b ', '1')")
    run(db, "DELETE FROM counts;\nUPDATE regions SET parent = NULL;\n"
            "DELETE FROM regions WHERE id = 'two'")
    assert rows(db, "hosts") == [(1, "One", None), (2, None, None)]
    run(db, "DELETE FROM regions WHERE id = 'One'")
    assert rows(db, "zones") == [] and rows(db, "hosts") == [(2, None, None)]


def test_a_second_run_does_nothing(old):
    db = old()
    make_exact(db)
    seen = []
    event.listen(db.engine, "after_cursor_execute", lambda *given: seen.append(given[2]))
    make_exact(db)
    assert not [statement for statement in seen if "TABLE " in statement]


def test_nobody_writes_past_a_key_that_is_away(old):
    """Others wait for the tables; what a killed run let through ends as the key would have it."""
    db = old()
    started = []

    def another(connection, cursor, statement, *_):
        if "DROP FOREIGN KEY" in statement and not started:
            with db.engine.connect() as other:
                other.exec_driver_sql("SET lock_wait_timeout = 1")
                with pytest.raises(Exception, match="1205"):
                    other.exec_driver_sql("DELETE FROM regions WHERE id = 'two'")
                other.invalidate()
            started.append(statement)
            connection.invalidate()
            raise Killed

    event.listen(db.engine, "after_cursor_execute", another)
    with pytest.raises(Killed):
        make_exact(db)
    event.remove(db.engine, "after_cursor_execute", another)
    assert started
    run(db, "ALTER TABLE zones DROP FOREIGN KEY IF EXISTS fk_region;\n"
            "ALTER TABLE hosts DROP FOREIGN KEY IF EXISTS fk_zone;\n"
            "ALTER TABLE hosts DROP FOREIGN KEY IF EXISTS fk_spare;\n"
            "ALTER TABLE regions DROP FOREIGN KEY IF EXISTS fk_parent;\n"
            "DELETE FROM counts;\nDELETE FROM regions")
    make_exact(db)
    assert rows(db, "zones") == [] and rows(db, "hosts") == [(2, None, None)]
