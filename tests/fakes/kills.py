"""A process that is killed while it changes a schema."""

import itertools
from contextlib import contextmanager

from sqlalchemy import event


class Killed(Exception):
    pass


@contextmanager
def killed_after(db, statements):
    """Whatever is done in the context loses its connection, and raises Killed, after so many
    statements that are no SELECT."""
    left = itertools.count(statements, -1)

    def kill(connection, _, statement, *__):
        if not statement.lstrip().startswith("SELECT") and next(left) == 1:
            connection.invalidate()
            raise Killed

    event.listen(db.engine, "after_cursor_execute", kill)
    try:
        yield
    finally:
        event.remove(db.engine, "after_cursor_execute", kill)
