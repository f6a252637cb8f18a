"""Users and their passwords."""

import datetime as dt
import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, false, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Invalid
from cairn.common.listing import Part, Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import (
    application_credentials,
    assignments,
    compliance,
    delegations,
    methods,
    privileges,
    projects,
    rows,
)
from cairn.keystone.core.attributes import (
    merge_extra,
    merge_options,
    refuse_new_domain,
)
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.targets import describe_user
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

# Of users of another cloud.
FOREIGN = ("idp_id", "protocol_id", "unique_id")

COLUMNS = {"name": User.name, "enabled": User.enabled, "domain_id": User.domain_id,
           "id": User.id, "default_project_id": User.default_project_id}
QUERY = filters(COLUMNS, "password_expires_at", *FOREIGN)
PROJECTS_QUERY = filters(projects.COLUMNS)
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
    "eq": operator.eq, "neq": operator.ne,
}


def authorize(keystone: Keystone, ctx: Context, policy: str, user_id: str) -> User:
    """The user, if the caller may do that to it. Raises Forbidden, NotKnown."""
    with keystone.db.reading() as session:
        user = session.get(User, user_id)
    # user_id: of oneself one may know even what is not there.
    keystone.policy.enforce(ctx, policy, {"user_id": user_id, **describe_user(user)})
    if user is None:
        raise NotKnown("user", user_id)
    return user


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of users; a domain's people see those of their domain. Raises Forbidden, Invalid,
    NotKnown."""
    domain = ctx.domain_id or read_value(query, "domain_id")
    keystone.policy.enforce(ctx, "identity:list_users", {"target.domain_id": domain or ""})
    statement = select(User)
    if ctx.domain_id:
        statement = statement.where(User.domain_id == ctx.domain_id)
    if any(query.getlist(name) for name in FOREIGN):
        statement = statement.where(false())  # No user here comes from another cloud.
    with keystone.db.reading() as session:
        return fetch_page(session, filter_expiring(statement, query), query, COLUMNS, User.id)


def list_projects(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Part:
    """A page of the projects (ProjectRecord) that a user has a role on. Raises Forbidden, NotKnown,
    Invalid."""
    authorize(keystone, ctx, "identity:list_user_projects", user_id)
    with keystone.db.reading() as session:
        ids = assignments.projects_of(session, user_id)
        statement = select(Project).where(Project.id.in_(ids))
        part = fetch_page(session, statement, query, projects.COLUMNS, Project.id)
        return Part(projects.read_records(session, part.rows), part.more)


def filter_expiring(statement: Select[Any], query: Query) -> Select[Any]:
    """Only users whose password expires when `password_expires_at` says: [operator:]moment.
    Raises Invalid."""
    for text in query.getlist("password_expires_at"):
        statement = statement.where(_compare_expiry(text))
    return statement


def _compare_expiry(text: str) -> Any:
    name, colon, rest = text.partition(":")
    name, moment = (name, rest) if colon and name.isalpha() else ("eq", text)
    if name not in OPERATORS:
        raise Invalid(reason="Invalid input for field/attribute password_expires_at. The operator "
                             f"'{name}' is none of {', '.join(OPERATORS)}.")
    try:
        expiry = dt.datetime.fromisoformat(moment)
    except ValueError as wrong:
        raise Invalid(reason="Invalid input for field/attribute password_expires_at. "
                             f"'{moment}' is not like 2026-01-31T23:59:59Z.") from wrong
    if expiry.tzinfo is not None:
        expiry = expiry.astimezone(dt.UTC).replace(tzinfo=None)
    return OPERATORS[name](User.password_expires_at, expiry)


def create(keystone: Keystone, ctx: Context, request: Document) -> User:
    """Make a user. Raises Forbidden, Invalid, NotKnown for the domain, Taken."""
    # As upstream has it: a domain's manager names the domain.
    keystone.policy.enforce(ctx, "identity:create_user",
                            {"target.user.domain_id": request.get("domain_id") or ""})
    domain_id = request.get("domain_id") or projects.read_default_domain(keystone, ctx, {})
    taken = f"name {request['name']} at domain ID {domain_id}"
    stored = _hashed(keystone, request.get("password"))
    with changing(keystone, ctx, "user", taken) as change:
        projects.find_domain(change.session, domain_id)
        user = User(
            domain_id=domain_id, name=request["name"].strip(),
            enabled=request.get("enabled", True),
            default_project_id=request.get("default_project_id") or None,
            options=_options({}, request.get("options", {})),
            extra=merge_extra({}, request, OWN),
        )
        compliance.set_password(keystone.compliance, change.session, user, stored)
        _check_default_project(change.session, user)
        change.add("user", user)
    return user


def _hashed(keystone: Keystone, password: str | None) -> str | None:
    """Before any transaction: it takes longer than all the rest. Raises Invalid for a weak one."""
    if password is None:
        return None
    compliance.check(keystone.compliance, password)
    return passwords.hashed(password)


def _options(now: Document, request: Document) -> Document:
    rules = request.get("multi_factor_auth_rules")
    # Each a list of names of methods, none empty, none twice, nor a name twice in one.
    if isinstance(rules, list) and not (
        all(isinstance(rule, list) and rule and all(isinstance(m, str) for m in rule)
            and len(set(rule)) == len(rule) for rule in rules)
        and len({tuple(rule) for rule in rules}) == len(rules)
    ):
        raise Invalid(reason="Invalid input for field/attribute options.multi_factor_auth_rules. "
                             "It must be a list of lists of names of methods, without duplicates.")
    return merge_options(now, request, OPTIONS)


def update(keystone: Keystone, ctx: Context, user_id: str, request: Document) -> User:
    """Disabling a user, or giving a password, ends the user's tokens; disabling, the user's
    application credentials as well. Raises Forbidden, Refused, NotKnown, Invalid, Taken."""
    authorize(keystone, ctx, "identity:update_user", user_id)
    privileges.refuse_privileged_user(keystone, ctx, user_id)
    stored = _hashed(keystone, request.get("password"))
    with changing(keystone, ctx, "user", f"name {request.get('name')}") as change:
        user = rows.lock(change.session, User, user_id)
        refuse_new_domain(request, user.domain_id)
        if request.get("id", user_id) != user_id:
            raise Invalid(reason="Invalid input for field/attribute id. Cannot change user ID")
        if user.enabled and request.get("enabled") is False or stored:
            end_tokens(change, user_id)
        if user.enabled and request.get("enabled") is False:
            application_credentials.forget_user(change, user_id)
        user.enabled = request.get("enabled", user.enabled)
        if request.get("enabled"):
            user.failures, user.failed_at = 0, None
            if keystone.compliance.disable_user_account_days_inactive:
                user.last_active_at = utcnow().date()
        if "name" in request:
            user.name = request["name"].strip()
        if "default_project_id" in request:
            user.default_project_id = request["default_project_id"] or None
            _check_default_project(change.session, user)
        if "options" in request:
            user.options = _options(user.options, request["options"])
        if "password" in request:
            compliance.set_password(keystone.compliance, change.session, user, stored)
        user.extra = merge_extra(user.extra, request, OWN)
        change.record("user", "updated", user_id)
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
    """Delete a user, with the user's grants and credentials, and end all tokens. Raises Forbidden,
    Refused, NotKnown."""
    authorize(keystone, ctx, "identity:delete_user", user_id)
    privileges.refuse_privileged_user(keystone, ctx, user_id)
    with changing(keystone, ctx) as change:
        user = rows.get(change.session, User, user_id)
        end_tokens(change, user_id)
        assignments.forget(change.session, actor_id=user_id)
        change.session.execute(sql_delete(Credential).where(Credential.user_id == user_id))
        change.session.delete(user)
        change.record("user", "deleted", user_id)


def change_password(
    keystone: Keystone, ctx: Context, user_id: str, original: str, new: str
) -> None:
    """By the user, who proves to be it with the password there was, be it an expired one.
    Raises Unauthorized, Invalid."""
    with keystone.db.reading() as session:
        given = {"user": {"id": user_id, "password": original}}
        proof = methods.password(keystone, session, given, to_change=True)
        compliance.check(keystone.compliance, new)
        user = rows.get(session, User, user_id)
        compliance.check_change(keystone.compliance, session, user, new)
    stored = passwords.hashed(new)
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
        change.record("user", "updated", user_id)
    compliance.succeeded(keystone.db, keystone.compliance, proof.person)
