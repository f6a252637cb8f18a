"""Users and their passwords."""


from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Invalid
from cairn.keystone.component import Keystone
from cairn.keystone.core import (
    application_credentials,
    assignments,
    compliance,
    delegations,
    methods,
    projects,
)
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.refusals import refuse
from cairn.keystone.db.models import Credential, Project, User
from cairn.keystone.errors import NotKnown
from cairn.keystone.providers import passwords

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


def create(keystone: Keystone, ctx: Context, wanted: Document) -> User:
    taken = f"name {wanted['name']} at domain ID {wanted['domain_id']}"
    stored = _hashed(keystone, wanted.get("password"))
    with changing(keystone, ctx, "user", taken) as change:
        projects.find_domain(change.session, wanted["domain_id"])
        user = User(
            domain_id=wanted["domain_id"], name=wanted["name"].strip(),
            enabled=wanted.get("enabled", True),
            default_project_id=wanted.get("default_project_id"),
            options=_options({}, wanted.get("options", {})),
            extra={k: v for k, v in wanted.items() if k not in OWN},
        )
        compliance.set_password(keystone.compliance, change.session, user, stored)
        _check_default_project(change.session, user)
        change.session.add(user)
    return user


def _hashed(keystone: Keystone, password: str | None) -> str | None:
    """Before any transaction: it takes longer than all the rest. Raises Invalid for a weak one."""
    if password is None:
        return None
    compliance.check(keystone.compliance, password)
    return passwords.hashed(password)


def _options(now: Document, wanted: Document) -> Document:
    rules = wanted.get("multi_factor_auth_rules")
    # Each a list of names of methods, none empty, none twice, nor a name twice in one.
    if isinstance(rules, list) and not (
        all(isinstance(rule, list) and rule and all(isinstance(m, str) for m in rule)
            and len(set(rule)) == len(rule) for rule in rules)
        and len({tuple(rule) for rule in rules}) == len(rules)
    ):
        raise Invalid(reason="Invalid input for field/attribute options.multi_factor_auth_rules. "
                             "It must be a list of lists of names of methods, without duplicates.")
    return projects.options(now, wanted, OPTIONS)


def update(keystone: Keystone, ctx: Context, user_id: str, wanted: Document) -> User:
    """Disabling a user, or giving a password, ends the user's tokens; disabling, the user's
    application credentials as well."""
    stored = _hashed(keystone, wanted.get("password"))
    with changing(keystone, ctx, "user", f"name {wanted.get('name')}") as change:
        user = find(change.session, user_id)
        if wanted.get("domain_id", user.domain_id) != user.domain_id:
            raise Invalid(reason="Invalid input for field/attribute domain_id. Cannot change "
                                 "Domain ID")
        if wanted.get("id", user_id) != user_id:
            raise Invalid(reason="Invalid input for field/attribute id. Cannot change user ID")
        if user.enabled and wanted.get("enabled") is False or stored:
            end_tokens(change, user_id)
        if user.enabled and wanted.get("enabled") is False:
            application_credentials.forget_user(change, user_id)
        user.enabled = wanted.get("enabled", user.enabled)
        if wanted.get("enabled"):
            user.failures, user.failed_at = 0, None
            if keystone.compliance.disable_user_account_days_inactive:
                user.last_active_at = utcnow().date()
        if "name" in wanted:
            user.name = wanted["name"].strip()
        if "default_project_id" in wanted:
            user.default_project_id = wanted["default_project_id"]
            _check_default_project(change.session, user)
        if "options" in wanted:
            user.options = _options(user.options, wanted["options"])
        if "password" in wanted:
            compliance.set_password(keystone.compliance, change.session, user, stored)
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


def delete(keystone: Keystone, ctx: Context, user_id: str) -> None:
    with changing(keystone, ctx) as change:
        user = find(change.session, user_id)
        end_tokens(change, user_id)
        assignments.forget(change.session, actor_id=user_id)
        change.session.execute(sql_delete(Credential).where(Credential.user_id == user_id))
        change.session.delete(user)


def change_password(
    keystone: Keystone, ctx: Context, user_id: str, original: str, wanted: str
) -> None:
    """By the user, who proves to be it with the password there was, be it an expired one.
    Raises Unauthorized, Invalid."""
    with keystone.db.reading() as session:
        given = {"user": {"id": user_id, "password": original}}
        proof = methods.password(keystone, session, given, to_change=True)
        compliance.check(keystone.compliance, wanted)
        compliance.check_change(keystone.compliance, session, find(session, user_id), wanted)
    stored = passwords.hashed(wanted)
    with changing(keystone, ctx) as change:
        # Two changes at once prove the same password; the second finds it gone.
        took = change.session.execute(
            sql_update(User).where(User.id == user_id, User.password_hash == proof.stored)
            .values(password_self_service=True).execution_options(synchronize_session=False)
        )
        if not changed(took):
            raise refuse(f"the password of user {user_id} was changed meanwhile")
        row = change.session.get_one(User, user_id)
        compliance.set_password(keystone.compliance, change.session, row, stored, by_user=True)
        end_tokens(change, user_id)
    compliance.succeeded(keystone.db, keystone.compliance, proof.person)
