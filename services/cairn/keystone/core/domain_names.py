"""A domain by its name: exactly, but for the case of the default one's, which common openrc files
carry as `default`."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cairn.keystone.db.models import ROOT, Project

# The domain of whatever was made without another.
DEFAULT = "default"
# The table, not the class: logins ask this.
_project = Project.__table__.c
_NAMED = select(_project.id).where(
    _project.name == bindparam("name"), _project.domain_id == ROOT, _project.is_domain
)
_DEFAULT_NAME = select(_project.name).where(_project.id == DEFAULT, _project.is_domain)


def is_default(session: Session, name: str) -> bool:
    """Whether this is the default domain's name but for its case, and no domain's exactly."""
    if session.execute(_NAMED, {"name": name}).first() is not None:
        return False
    default: Any = session.execute(_DEFAULT_NAME).scalar()
    return default is not None and default.casefold() == name.casefold()
