"""/v3/users"""

import datetime as dt
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Select, false, select

from cairn.common.api import PUBLIC, Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api import projects, schemas, standing
from cairn.keystone.api.views import QUERY, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, compliance, users
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import Project, User
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
COLUMNS = {"name": User.name, "enabled": User.enabled, "domain_id": User.domain_id,
           "id": User.id, "default_project_id": User.default_project_id}


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
    "eq": operator.eq, "neq": operator.ne,
}


def view(keystone: Keystone, user: User) -> Document:
    expires = user.password_expires_at
    enabled = user.enabled and not compliance.inactive(keystone.compliance, user)
    found = {
        **user.extra,
        "id": user.id, "name": user.name, "domain_id": user.domain_id, "enabled": enabled,
        "options": user.options,
        "password_expires_at": expires.isoformat(timespec="microseconds") if expires else None,
        "links": {"self": link(f"users/{user.id}")},
    }
    if user.default_project_id is not None:
        found["default_project_id"] = user.default_project_id
    return found


def target(user: User | None) -> Document:
    if user is None:
        return {}
    return {"target.user.id": user.id, "target.user.domain_id": user.domain_id}


def permitted(keystone: Keystone, ctx: Context, policy: str, user_id: str) -> User:
    """The user, if the caller may do that to it."""
    with keystone.db.reading() as session:
        user = session.get(User, user_id)
    # user_id: of oneself one may know even what is not there.
    keystone.policy.enforce(ctx, policy, {"user_id": user_id, **target(user)})
    if user is None:
        raise NotKnown("user", user_id)
    return user


@api.post("/users", policy="identity:create_user", body=schemas.USER_CREATE, status=201, late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = dict(body["user"])
    # As upstream has it: a domain's manager names the domain.
    keystone.policy.enforce(ctx, "identity:create_user",
                            {"target.user.domain_id": wanted.get("domain_id") or ""})
    wanted["domain_id"] = wanted.get("domain_id") or projects.default_domain(keystone, ctx, {})
    return {"user": view(keystone, users.create(keystone, ctx, wanted))}


@api.get("/users", policy="identity:list_users", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    domain = ctx.domain_id or query.get("domain_id")
    keystone.policy.enforce(ctx, "identity:list_users", {"target.domain_id": domain or ""})
    wanted = select(User)
    if ctx.domain_id:
        wanted = wanted.where(User.domain_id == ctx.domain_id)
    if {"idp_id", "protocol_id", "unique_id"} & set(query.keys()):
        wanted = wanted.where(false())  # No user here comes from another cloud.
    with keystone.db.reading() as session:
        return listed(session, "users", expiring(wanted, query), query, COLUMNS, User.id,
                      partial(view, keystone))


def expiring(wanted: Select[Any], query: Query) -> Select[Any]:
    """Only users whose password expires when `password_expires_at` says: [operator:]moment."""
    text = query.get("password_expires_at")
    if text is None:
        return wanted
    name, colon, rest = text.partition(":")
    name, moment = (name, rest) if colon and name.isalpha() else ("eq", text)
    if name not in OPERATORS:
        raise Invalid(reason="Invalid input for field/attribute password_expires_at. The operator "
                             f"'{name}' is none of {', '.join(OPERATORS)}.")
    try:
        found = dt.datetime.fromisoformat(moment)
    except ValueError as wrong:
        raise Invalid(reason="Invalid input for field/attribute password_expires_at. "
                             f"'{moment}' is not like 2026-01-31T23:59:59Z.") from wrong
    if found.tzinfo is not None:
        found = found.astimezone(dt.UTC).replace(tzinfo=None)
    return wanted.where(OPERATORS[name](User.password_expires_at, found))


@api.get("/users/<user_id>", policy="identity:get_user", late=True)
def show(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    return {"user": view(keystone, permitted(keystone, ctx, "identity:get_user", user_id))}


@api.patch("/users/<user_id>", policy="identity:update_user", body=schemas.USER_UPDATE, late=True)
def update(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    permitted(keystone, ctx, "identity:update_user", user_id)
    standing.refuse_above_user(keystone, ctx, user_id)
    return {"user": view(keystone, users.update(keystone, ctx, user_id, body["user"]))}


@api.delete("/users/<user_id>", policy="identity:delete_user", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, user_id: str) -> None:
    permitted(keystone, ctx, "identity:delete_user", user_id)
    standing.refuse_above_user(keystone, ctx, user_id)
    users.delete(keystone, ctx, user_id)


@api.post("/users/<user_id>/password", policy=PUBLIC, body=schemas.USER_PASSWORD, status=204)
def change_password(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> None:
    """The original password is the proof: who has it needs no token, nor may have one."""
    given = body["user"]
    users.change_password(keystone, ctx, user_id, given["original_password"], given["password"])


@api.get("/users/<user_id>/projects", policy="identity:list_user_projects", query=QUERY, late=True)
def of_user(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    permitted(keystone, ctx, "identity:list_user_projects", user_id)
    with keystone.db.reading() as session:
        ids = assignments.projects_of(session, user_id)
        wanted = select(Project).where(Project.id.in_(ids))
        return listed(session, "projects", wanted, query, projects.COLUMNS, Project.id,
                      lambda project: projects.view(project, []))
