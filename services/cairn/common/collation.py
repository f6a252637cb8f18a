"""How MariaDB compares texts: exactly, with case and trailing blanks, as Python and SQLite do.

It is the default of each schema, so that no column has to say it. The roles and the tests' server
have the same (`tests/contract/test_collation.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

COLLATION = "utf8mb4_nopad_bin"
# What schemas had before: it takes "A" for "a", and for "a ".
BEFORE = "utf8mb4_general_ci"

_TABLES = text("""
SELECT table_name, table_collation FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name""")

# A column of JSON has a collation of its own; only its check tells that it is one.
_INEXACT = text(f"""
SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
  AND c.collation_name <> '{COLLATION}'
  AND NOT EXISTS (
    SELECT 1 FROM information_schema.check_constraints k
    WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name
      AND k.level = 'Column' AND k.constraint_name = c.column_name
      AND k.check_clause LIKE 'json_valid%')
ORDER BY c.table_name, c.ordinal_position""")

_KEYS = text("""
SELECT table_name, constraint_name FROM information_schema.referential_constraints
WHERE constraint_schema = DATABASE()""")

# MariaDB converts no column that a foreign key holds. Those of texts, each of one column, are
# dropped and made again; meanwhile this table has them.
_ASIDE = text("""
CREATE TABLE IF NOT EXISTS foreign_keys_aside (
  child VARCHAR(64) NOT NULL, name VARCHAR(64) NOT NULL, referring VARCHAR(64) NOT NULL,
  parent VARCHAR(64) NOT NULL, referred VARCHAR(64) NOT NULL,
  on_delete VARCHAR(16) NOT NULL, on_update VARCHAR(16) NOT NULL, PRIMARY KEY (child, name))""")
_WRITE_DOWN = text("""
INSERT IGNORE INTO foreign_keys_aside
SELECT k.table_name, k.constraint_name, k.column_name,
       k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.table_schema AND r.table_name = k.table_name
  AND r.constraint_name = k.constraint_name
JOIN information_schema.columns c
  ON c.table_schema = k.table_schema AND c.table_name = k.table_name
  AND c.column_name = k.column_name
WHERE k.table_schema = DATABASE() AND c.collation_name IS NOT NULL""")
_READ_ASIDE = text("SELECT * FROM foreign_keys_aside ORDER BY child, name")


def make_exact(connection: Connection) -> None:
    """Give the schema, its tables and all texts in them the exact collation: for migrations. What
    was killed at any statement the next run finishes. Processes wait meanwhile, so that nobody
    writes past a foreign key that is away. SQLite compares so by itself."""
    if connection.dialect.name == "sqlite":
        return
    _run(connection, f"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {COLLATION}")
    tables = _tables(connection)
    begun = "foreign_keys_aside" in tables
    if not begun and set(tables.values()) == {COLLATION} and not _inexact(connection):
        return
    connection.execute(_ASIDE)
    connection.execute(_WRITE_DOWN)
    connection.commit()
    locks = ", ".join(f"`{table}` WRITE" for table in _tables(connection))
    _run(connection, f"LOCK TABLES {locks}")
    # Where this fails its locks go with the connection.
    keys = connection.execute(_READ_ASIDE).all()
    _drop(connection, keys)
    _convert(connection)
    while any(_mend(connection, key) for key in keys):
        pass  # A row that was respelled may have rows of its own.
    _restore(connection, keys)
    _run(connection, "UNLOCK TABLES")
    _run(connection, "DROP TABLE foreign_keys_aside")


def _run(connection: Connection, statement: str) -> None:
    # A default may have signs in it that stand for parameters elsewhere.
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _tables(connection: Connection) -> dict[str, str]:
    """Collations, by table."""
    return {row.table_name: row.table_collation for row in connection.execute(_TABLES)}


def _inexact(connection: Connection) -> dict[str, list[str]]:
    """How columns are to be defined instead, by table."""
    columns = defaultdict(list)
    for table, column, type_, nullable, default in connection.execute(_INEXACT):
        null = "NULL" if nullable == "YES" else "NOT NULL"
        # As an expression, quotes and all.
        value = "" if default is None else f" DEFAULT {default}"
        columns[table].append(
            f"MODIFY `{column}` {type_} CHARACTER SET utf8mb4 COLLATE {COLLATION} {null}{value}")
    return columns


def _drop(connection: Connection, keys: Sequence[Row[Any]]) -> None:
    there = {(table, name) for table, name in connection.execute(_KEYS)}
    _alter(connection, [(key.child, f"DROP FOREIGN KEY `{key.name}`")
                        for key in keys if (key.child, key.name) in there])


def _convert(connection: Connection) -> None:
    inexact = _inexact(connection)
    for table, collation in _tables(connection).items():
        if collation != COLLATION or table in inexact:
            _alter(connection, [(table, f"CHARACTER SET utf8mb4 COLLATE {COLLATION}"),
                                *((table, change) for change in inexact[table])])


def _restore(connection: Connection, keys: Sequence[Row[Any]]) -> None:
    _alter(connection, [(
        key.child, f"ADD CONSTRAINT `{key.name}` FOREIGN KEY (`{key.referring}`)"
                   f" REFERENCES `{key.parent}` (`{key.referred}`)"
                   f" ON DELETE {key.on_delete} ON UPDATE {key.on_update}") for key in keys])


def _alter(connection: Connection, changes: Sequence[tuple[str, str]]) -> None:
    """Make all changes of a table at once, as most copy it."""
    tables = defaultdict(list)
    for table, change in changes:
        tables[table].append(change)
    for table, its in tables.items():
        _run(connection, f"ALTER TABLE `{table}` {', '.join(its)}")


def _mend(connection: Connection, key: Row[Any]) -> bool:
    """Whether rows were changed that refer to none exactly: they get the spelling of the one that
    they meant so far. Where that went while the key was away (a run was killed), what the key would
    have done to them is done. Any others stay, and the key says so when it is made again."""
    child, referring, parent, referred = (
        f"`{name}`" for name in (key.child, key.referring, key.parent, key.referred))
    # Two questions: tables that are locked cannot be joined to themselves.
    have = set(connection.scalars(text(f"SELECT {referred} FROM {parent}")))
    lost = set(connection.scalars(text(
        f"SELECT DISTINCT {referring} FROM {child} WHERE {referring} IS NOT NULL"))) - have
    mended = False
    for value in lost:
        meant = connection.scalar(text(
            f"SELECT {referred} FROM {parent} WHERE {referred} = :value COLLATE {BEFORE} LIMIT 1"),
            {"value": value})
        if meant is None and key.on_delete == "CASCADE":
            change = f"DELETE FROM {child}"
        elif meant is None and key.on_delete != "SET NULL":
            continue
        else:
            change = f"UPDATE {child} SET {referring} = :meant"
        connection.execute(text(f"{change} WHERE {referring} = :value"),
                           {"value": value, "meant": meant})
        mended = True
    connection.commit()
    return mended
