"""What policy may know of that which a request is about; of what is not there, nothing."""

from cairn.common.api import Document
from cairn.keystone.db.models import Group, Project, Role, User


def describe_user(user: User | None) -> Document:
    """Of a user, what rules name as target.user."""
    if user is None:
        return {}
    return {"target.user.id": user.id, "target.user.domain_id": user.domain_id}


def describe_group(group: Group | None) -> Document:
    """Of a group, what rules name as target.group."""
    if group is None:
        return {}
    return {"target.group.id": group.id, "target.group.domain_id": group.domain_id}


def describe_project(project: Project | None) -> Document:
    """Of a project or domain, what rules name as target.project."""
    if project is None:
        return {}
    return {"target.project.id": project.id, "project_id": project.id,
            "target.project.domain_id": project.domain_id or None}


def describe_role(role: Role | None) -> Document:
    """Of a role, what rules name as target.role."""
    if role is None:
        return {}
    return {"target.role.id": role.id, "target.role.name": role.name,
            "target.role.domain_id": role.domain_id or None}
