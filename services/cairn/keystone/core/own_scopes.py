"""What the bearer of a token may ask other tokens for, and finds in the catalog."""

from typing import Any

from sqlalchemy import select

from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.projects import ProjectRecord, read_records
from cairn.keystone.db.models import Project


def read_catalog(keystone: Keystone, ctx: Context) -> list[dict[str, Any]]:
    """Services with their endpoints. Raises Refused without a project."""
    if ctx.project_id is None:
        raise Refused(reason="A project-scoped token is required to produce a service catalog.")
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
    return keystone.directory.catalog(ctx.project_id, ctx.user_id)


def list_projects(keystone: Keystone, ctx: Context) -> list[ProjectRecord]:
    """The enabled projects that the bearer has a role on, in whatever way."""
    with keystone.db.reading() as session:
        ids = assignments.projects_of(session, ctx.user_id)
        statement = select(Project).where(Project.id.in_(ids), Project.enabled)
        return read_records(session, list(session.scalars(statement)))


def list_domains(keystone: Keystone, ctx: Context) -> list[ProjectRecord]:
    """The enabled domains that the bearer has a role on."""
    with keystone.db.reading() as session:
        ids = assignments.domains_of(session, ctx.user_id)
        statement = select(Project).where(Project.id.in_(ids), Project.enabled)
        return read_records(session, list(session.scalars(statement)))


def has_system(keystone: Keystone, ctx: Context) -> bool:
    """Whether the bearer has a role on the system."""
    with keystone.db.reading() as session:
        return assignments.on_system(session, ctx.user_id)
