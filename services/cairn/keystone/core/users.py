"""Users and their passwords."""

from typing import TYPE_CHECKING

from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.keystone.core import assignments, authentication, delegations, passwords, projects
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.db.models import Credential, Project, User
from cairn.keystone.errors import NotKnown

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone

OWN = {"id", "name", "enabled", "domain_id", "default_project_id", "password", "options", "links",
       "password_expires_at", "original_password"}
OPTIONS = {
    "ignore_change_password_upon_first_use": bool, "ignore_password_expiry": bool,
    "ignore_lockout_failure_attempts": bool, "lock_password": bool,
    "ignore_user_inactivity": bool, "multi_factor_auth_rules": list,
    "multi_factor_auth_enabled": bool,
}


def find(session: Session, user_id: str) -> User:
    found = session.get(User, user_id)
    if found is None:
        raise NotKnown("user", user_id)
    return found


def create(keystone: "Keystone", ctx: Context, wanted: Document) -> User:
    taken = f"name {wanted['name']} at domain ID {wanted['domain_id']}"
    # Hashed before the transaction: it takes longer than all the rest.
    stored = passwords.hashed(wanted["password"]) if wanted.get("password") is not None else None
    with changing(keystone, ctx, "user", taken) as change:
        projects.find_domain(change.session, wanted["domain_id"])
        user = User(
            domain_id=wanted["domain_id"], name=wanted["name"].strip(),
            enabled=wanted.get("enabled", True),
            default_project_id=wanted.get("default_project_id"), password_hash=stored,
            password_set_at=utcnow() if stored else None,
            options=projects.options({}, wanted.get("options", {}), OPTIONS),
            extra={k: v for k, v in wanted.items() if k not in OWN},
        )
        _check_default_project(change.session, user)
        change.session.add(user)
    return user


def update(keystone: "Keystone", ctx: Context, user_id: str, wanted: Document) -> User:
    """Disabling a user, or giving a password, ends the user's tokens."""
    stored = passwords.hashed(wanted["password"]) if wanted.get("password") is not None else None
    with changing(keystone, ctx, "user", f"name {wanted.get('name')}") as change:
        user = find(change.session, user_id)
        if wanted.get("domain_id", user.domain_id) != user.domain_id:
            raise Invalid(reason="Invalid input for field/attribute domain_id. Cannot change "
                                 "Domain ID")
        if user.enabled and wanted.get("enabled") is False or stored:
            end_tokens(change, user_id)
        user.enabled = wanted.get("enabled", user.enabled)
        if "name" in wanted:
            user.name = wanted["name"].strip()
        if "default_project_id" in wanted:
            user.default_project_id = wanted["default_project_id"]
            _check_default_project(change.session, user)
        if stored:
            user.password_hash, user.password_set_at = stored, utcnow()
        if "options" in wanted:
            user.options = projects.options(user.options, wanted["options"], OPTIONS)
        user.extra = projects.merged(user.extra, wanted, OWN)
    return user


def end_tokens(change: Change, user_id: str) -> None:
    """All that the user has, and all that was had in the user's name."""
    change.revoke(user_id=user_id)
    delegations.end_tokens_of(change, user_id)


def _check_default_project(session: Session, user: User) -> None:
    if user.default_project_id is not None:
        project = session.get(Project, user.default_project_id)
        if project is not None and project.is_domain:
            raise Invalid(reason="Invalid input for field/attribute default_project_id. A domain "
                                 "cannot be a user's default project.")


def delete(keystone: "Keystone", ctx: Context, user_id: str) -> None:
    with changing(keystone, ctx) as change:
        user = find(change.session, user_id)
        end_tokens(change, user_id)
        assignments.forget(change.session, actor_id=user_id)
        change.session.execute(sql_delete(Credential).where(Credential.user_id == user_id))
        change.session.delete(user)


def change_password(
    keystone: "Keystone", ctx: Context, user_id: str, original: str, wanted: str
) -> None:
    """By the user, who proves to be it with the password there was. Raises Unauthorized."""
    with keystone.db.reading() as session:
        given = {"user": {"id": user_id, "password": original}}
        authentication.password(keystone, session, given)
    stored = passwords.hashed(wanted)
    with changing(keystone, ctx) as change:
        user = find(change.session, user_id)
        if user.options.get("lock_password"):
            raise Invalid(reason="The password of this user is locked.")
        user.password_hash, user.password_set_at = stored, utcnow()
        end_tokens(change, user_id)
