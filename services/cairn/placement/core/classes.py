"""Resource classes: renaming one and taking one away."""

from sqlalchemy.exc import IntegrityError

from cairn.common.db import Database
from cairn.placement.core import changes
from cairn.placement.core.names import Names
from cairn.placement.errors import ClassInUse, ClassNameTaken


def rename_class(db: Database, names: Names, name: str, new_name: str) -> None:
    """Raises ClassNameTaken."""
    try:
        with db.writing() as session:
            names.classes.rename(session, name, new_name)
            changes.note(session, [changes.NAMES])
    except IntegrityError:
        raise ClassNameTaken(name=new_name) from None
    names.classes.forget()


def delete_class(db: Database, names: Names, name: str) -> None:
    """Raises ClassInUse."""
    try:
        with db.writing() as session:
            names.classes.remove(session, name)
    except IntegrityError:
        raise ClassInUse(name=name) from None
