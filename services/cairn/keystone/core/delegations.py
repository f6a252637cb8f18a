"""What trusts and application credentials share: some of a user's rights, for somebody or something
else (trusts.py, application_credentials.py).

A token that was given for one carries its id (`delegation_id`), is never exchanged for another
token, and ends with it. Whatever else a token came by that is not the user's own proof (an EC2 key
pair) counts as a delegation too: what is not known to be the user is not the user.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, Refused
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import scopes
from cairn.keystone.core.changes import Change
from cairn.keystone.db.models import (
    ROOT,
    ApplicationCredentialRole,
    Role,
    Trust,
    TrustRole,
)
from cairn.keystone.db.oauth1 import AccessToken
from cairn.keystone.errors import NotKnown
from cairn.keystone.providers.directory import Graph

TRUST, CREDENTIAL, EC2 = "trust", "application_credential", "ec2credential"
# By these a user shows to be the user.
PRIMARY = frozenset({"password", "token", "totp"})


def moment(text: str | None, field: str) -> dt.datetime | None:
    """An expiry as it was asked for. Raises Invalid unless it is one, and to come."""
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Invalid(reason=f"Invalid input for field/attribute {field}. '{text}' is not an "
                             "ISO 8601 moment.") from wrong
    instant = instant.astimezone(dt.UTC).replace(tzinfo=None) if instant.tzinfo else instant
    if instant <= utcnow():
        raise Invalid(reason=f"Invalid input for field/attribute {field}. It is in the past.")
    return instant


def caller(keystone: Keystone, ctx: Context) -> Token:
    """The token that the caller showed. Raises Unauthorized."""
    return keystone.verifier.verify(ctx.token)


def kinds(token: Token) -> set[str]:
    """By which delegations this token came; empty when the user is the user."""
    methods = set(token.methods) - PRIMARY
    return methods | {TRUST} if TRUST in token.extra else methods


def delegated(keystone: Keystone, ctx: Context, *but: str) -> bool:
    """Whether the caller acts by a delegation, other than of a kind in `but`."""
    return bool(kinds(caller(keystone, ctx)) - set(but))


def refuse_delegated(keystone: Keystone, ctx: Context, *but: str) -> None:
    """Raises Refused for a caller who acts by a delegation, other than of a kind in `but`."""
    if delegated(keystone, ctx, *but):
        raise Refused(reason="A token that was given for a trust, an application credential or "
                             "another delegation may not do this.")


def roles_named(session: Session, request: Iterable[Document], field: str) -> list[Role]:
    """The roles that {"id"} or {"name"} mean. Raises NotKnown."""
    roles = []
    for each in request:
        if "id" in each:
            role = session.get(Role, each["id"])
        elif "name" in each:
            role = session.scalar(
                select(Role).where(Role.name == each["name"], Role.domain_id == ROOT)
            )
        else:
            raise Invalid(reason=f"Invalid input for field/attribute {field}. A role needs an id "
                                 "or a name.")
        if role is None:
            raise NotKnown("role", each.get("id") or each.get("name"))
        roles.append(role)
    return roles


def held(session: Session, graph: Graph, user_id: str, project_id: str) -> dict[str, str]:
    """Names by id of the roles a user has on a project now."""
    row = scopes.project_row(session, {"id": project_id})
    if row is None:
        raise NotKnown("project", project_id)
    return {role["id"]: role["name"]
            for role in scopes.of_project(session, graph, user_id, row).roles}


def end_tokens_of(change: Change, user_id: str) -> None:
    """End what was given by the user's trusts, or to the user by others'. (Tokens of application
    credentials are the user's own.)"""
    end_trusts(change, or_(Trust.trustor_user_id == user_id, Trust.trustee_user_id == user_id))


def end_trusts(change: Change, *conditions: Any) -> dict[str, str | None]:
    """End what was given by these trusts, and by those that were made with them; the
    project of each, by its id."""
    columns = select(Trust.id, Trust.project_id)
    ended = dict(change.session.execute(columns.where(*conditions)).all())
    layer = set(ended)
    while layer:
        query = columns.where(Trust.redelegated_trust_id.in_(layer))
        below = dict(change.session.execute(query).all())
        layer = set(below) - set(ended)
        ended |= below
    for trust_id in ended:
        change.revoke(delegation_id=trust_id)
    return ended


def end_carrying(change: Change, role_ids: Collection[str]) -> None:
    """End what was given by any delegation that has one of these roles."""
    session = change.session
    for column, role in (
        (TrustRole.trust_id, TrustRole.role_id),
        (ApplicationCredentialRole.application_credential_id, ApplicationCredentialRole.role_id),
    ):
        for delegation_id in session.scalars(select(column).where(role.in_(role_ids)).distinct()):
            change.revoke(delegation_id=delegation_id)
    for token_id, given in session.execute(select(AccessToken.id, AccessToken.role_ids)):
        if not set(given).isdisjoint(role_ids):
            change.revoke(delegation_id=token_id)
