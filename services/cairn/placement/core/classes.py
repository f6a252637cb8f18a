"""Resource classes: renaming one and taking one away."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.placement.core import changes
from cairn.placement.core.names import Names
from cairn.placement.db.models import Event
from cairn.placement.errors import ClassInUse, ClassNameTaken


def _record(session: Session, ctx: Context, what: str, name: str, **facts: str) -> None:
    Event.record(session, ctx, f"resource_class.{what}", "resource_class", name,
                 {"name": name, **facts}, project_id="")


def create_class(ctx: Context, names: Names, name: str) -> bool:
    """Whether it was not there yet."""
    return not names.classes.exists(name) and names.classes.create(
        name, beside=lambda session: _record(session, ctx, "create", name))


def rename_class(db: Database, ctx: Context, names: Names, name: str, new_name: str) -> None:
    """Raises ClassNameTaken."""
    try:
        with db.writing() as session:
            names.classes.rename(session, name, new_name)
            changes.note(session, [changes.NAMES])
            _record(session, ctx, "update", new_name, old_name=name)
    except IntegrityError:
        raise ClassNameTaken(name=new_name) from None
    names.classes.forget()


def delete_class(db: Database, ctx: Context, names: Names, name: str) -> None:
    """Raises ClassInUse."""
    try:
        with db.writing() as session:
            names.classes.remove(session, name)
            _record(session, ctx, "delete", name)
    except IntegrityError:
        raise ClassInUse(name=name) from None
