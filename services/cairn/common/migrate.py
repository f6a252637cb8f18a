"""Bring a component's schema to what its models say, by Alembic revisions in its db/migrations."""

import importlib
import logging
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.ddl.mysql import MySQLImpl
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from cairn.common.db import Database

log = logging.getLogger(__name__)

# MariaDB's numbers of a table, column or key that is there already, or gone already.
DONE = {1050, 1060, 1061, 1051, 1091}


class _Resumable(MySQLImpl):
    """A revision that was killed is run again from its start: MariaDB has no transaction around
    statements that change tables, but does each wholly or not at all."""

    __dialect__ = "mysql"

    def _exec(self, construct: Any, *args: Any, **options: Any) -> Any:
        try:
            return super()._exec(construct, *args, **options)
        except DBAPIError as error:
            if error.orig is None or error.orig.args[0] not in DONE:
                raise
            log.info("done before: %s", error.orig.args[1])
            return None


def _config(component: str, connection: Any) -> Config:
    models = importlib.import_module(f"cairn.{component}.db.models")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    revisions = Path(str(models.__file__)).parent / "migrations"
    config.set_main_option("version_locations", str(revisions))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = models.Base.metadata
    return config


def sync(component: str, db: Database, revision: str = "heads") -> bool:
    """Upgrade to the revision, the newest; whether anything was to be done."""
    with db.engine.connect() as connection:
        before = MigrationContext.configure(connection).get_current_heads()
        command.upgrade(_config(component, connection), revision)
        connection.commit()
        return before != MigrationContext.configure(connection).get_current_heads()


def revise(component: str, db: Database, message: str, number: str) -> None:
    """Write a revision that takes the schema to the models (a start for the author, to be read)."""
    with db.engine.connect() as connection:
        config = _config(component, connection)
        command.upgrade(config, "heads")
        command.revision(
            config, message, autogenerate=True, rev_id=number,
            version_path=config.get_main_option("version_locations"),
        )


def differences(component: str, db: Database) -> list[Any]:
    """What the models have that the revisions do not make, and the other way round."""
    models = importlib.import_module(f"cairn.{component}.db.models")
    with db.engine.connect() as connection:
        return list(compare_metadata(
            MigrationContext.configure(connection), models.Base.metadata
        ))
