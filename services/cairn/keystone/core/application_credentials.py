"""Application credentials: a user's second password, good for some of the user's roles on one
project, and the access rules that say what it may ask."""

import base64
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import new_hex_id, utcnow
from cairn.common.errors import Invalid, Refused
from cairn.common.listing import Part, Query, read_value
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import authentication, rows, scopes
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.delegations import (
    CREDENTIAL,
    caller,
    held,
    moment,
    refuse_delegated,
    roles_named,
)
from cairn.keystone.core.listing import fetch_page, filters, read_only
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import (
    AccessRule,
    ApplicationCredential,
    ApplicationCredentialRole,
    ApplicationCredentialRule,
    Role,
    User,
)
from cairn.keystone.errors import NotKnown
from cairn.keystone.providers import passwords

# Bytes of access rules: what is left of a token when the rest is in it.
WIDEST = 5000
UNASSIGNED = ("Invalid application credential: Cannot create an application credential with "
              "unassigned role")


# Columns of access rules that lists filter by.
COLUMNS = {"service": AccessRule.service, "path": AccessRule.path, "method": AccessRule.method}
QUERY, RULES_QUERY = read_only("name"), filters(COLUMNS)


@dataclass(frozen=True)
class CredentialRecord:
    """A credential with its roles and access rules."""

    credential: ApplicationCredential
    roles: Sequence[Role]
    rules: Sequence[AccessRule]


def _read_records(
    session: Session, credentials: Sequence[ApplicationCredential]
) -> list[CredentialRecord]:
    ids = [credential.id for credential in credentials]
    roles, rules = roles_of(session, ids), rules_of(session, ids)
    return [CredentialRecord(each, roles.get(each.id, []), rules.get(each.id, []))
            for each in credentials]


def _authorize_for(keystone: Keystone, ctx: Context, policy: str, user_id: str) -> None:
    keystone.policy.enforce(ctx, policy, {"user_id": user_id, "target.user.id": user_id})
    refuse_delegated(keystone, ctx, CREDENTIAL)


def _authorize(
    keystone: Keystone, ctx: Context, policy: str, user_id: str, credential_id: str
) -> ApplicationCredential:
    """The credential, if the caller may do that to it: its own user counts, not the path's."""
    with keystone.db.reading() as session:
        credential = session.get(ApplicationCredential, credential_id)
    _authorize_for(keystone, ctx, policy, user_id if credential is None else credential.user_id)
    if credential is None:
        raise NotKnown("application credential", credential_id)
    return credential


def get(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> CredentialRecord:
    """An application credential, for its user or who may see all. Raises Forbidden, Refused,
    NotKnown."""
    policy = "identity:get_application_credential"
    credential = _authorize(keystone, ctx, policy, user_id, credential_id)
    with keystone.db.reading() as session:
        return _read_records(session, [credential])[0]


def list_of_user(
    keystone: Keystone, ctx: Context, user_id: str, query: Query
) -> list[CredentialRecord]:
    """A user's application credentials, by name; of one `name` where the query has it. Raises
    Forbidden, Refused, NotKnown."""
    _authorize_for(keystone, ctx, "identity:list_application_credentials", user_id)
    statement = select(ApplicationCredential).where(ApplicationCredential.user_id == user_id)
    name = read_value(query, "name")
    if name:
        statement = statement.where(ApplicationCredential.name == name)
    with keystone.db.reading() as session:
        rows.get(session, User, user_id)
        credentials = session.scalars(statement.order_by(ApplicationCredential.name))
        return _read_records(session, list(credentials))


def remove(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> None:
    """Delete an application credential, and end its tokens. Raises Forbidden, Refused, NotKnown."""
    policy = "identity:delete_application_credential"
    _authorize(keystone, ctx, policy, user_id, credential_id)
    refuse_restricted(keystone, ctx)
    with changing(keystone, ctx) as change:
        end(change, ApplicationCredential.id == credential_id)


def list_rules(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Part:
    """A page of a user's access rules. Raises Forbidden, Refused, NotKnown, Invalid."""
    _authorize_for(keystone, ctx, "identity:list_access_rules", user_id)
    statement = select(AccessRule).where(AccessRule.user_id == user_id)
    with keystone.db.reading() as session:
        return fetch_page(session, statement, query, COLUMNS, AccessRule.id)


def _find_rule(session: Session, user_id: str, rule_id: str) -> AccessRule:
    rule = session.get(AccessRule, rule_id)
    if rule is None or rule.user_id != user_id:
        raise NotKnown("access rule", rule_id)
    return rule


def get_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> AccessRule:
    """One of a user's access rules. Raises Forbidden, Refused, NotKnown."""
    _authorize_for(keystone, ctx, "identity:get_access_rule", user_id)
    with keystone.db.reading() as session:
        return _find_rule(session, user_id, rule_id)


def remove_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> None:
    """Delete one of a user's access rules. Raises Forbidden, NotKnown; Refused while a credential
    has it."""
    _authorize_for(keystone, ctx, "identity:delete_access_rule", user_id)
    with changing(keystone, ctx) as change:
        session = change.session
        rule = _find_rule(session, user_id, rule_id)
        if session.scalar(select(exists().where(
            ApplicationCredentialRule.access_rule_id == rule_id
        ))):
            raise Refused(reason=f"Access rule {rule_id} is in use by an application credential.")
        session.delete(rule)
        change.record("access_rule", "deleted", rule_id)


def refuse_restricted(keystone: Keystone, ctx: Context) -> None:
    """Hold a caller against the kind of token: one of an application credential that is not
    `unrestricted` manages no others. Raises Refused."""
    extra = caller(keystone, ctx).extra
    if CREDENTIAL in extra and extra[CREDENTIAL]["restricted"]:
        raise Refused(reason="Using method 'application_credential' is not allowed for managing "
                             "additional application credentials.")


def create(
    keystone: Keystone, ctx: Context, user_id: str, request: Document
) -> tuple[CredentialRecord, str]:
    """The credential, and the secret that nobody is told again. Raises Forbidden, Refused,
    NotKnown, Invalid, Taken."""
    _authorize_for(keystone, ctx, "identity:create_application_credential", user_id)
    refuse_restricted(keystone, ctx)
    if ctx.project_id is None:
        raise Refused(reason="An application credential is made with a token of the project it is "
                             "for.")
    secret = request.get("secret") or base64.urlsafe_b64encode(
        secrets.token_bytes(64)).rstrip(b"=").decode()
    stored = passwords.hashed(secret)
    token = caller(keystone, ctx)
    carried = {role["id"] for role in token.roles}
    with changing(keystone, ctx, "application_credential", f"name {request['name']}") as change:
        session = change.session
        keystone.directory.refresh(session)
        graph = keystone.directory.roles
        _room(keystone, session, ctx.user_id)
        # A role may have come since the token did; one of a delegation gives what it carries.
        mine = carried if CREDENTIAL in token.extra else set(
            held(session, graph, ctx.user_id, ctx.project_id)
        )
        asked = request.get("roles") or []
        if not all(role["id"] in mine for role in asked if "id" in role):
            raise Invalid(reason=UNASSIGNED)
        named = {role.id for role in roles_named(session, asked, "roles")}
        # With all that they imply: what it shows is what it gives.
        ids = {role["id"] for role in graph.expand(named)} if named else carried
        if not ids or not ids <= mine:
            raise Invalid(reason=UNASSIGNED)
        rules = request.get("access_rules")
        credential = ApplicationCredential(
            id=new_hex_id(), user_id=ctx.user_id, project_id=ctx.project_id, secret_hash=stored,
            name=request["name"].strip(), description=request.get("description"),
            expires_at=moment(request.get("expires_at"), "expires_at"),
            unrestricted=bool(request.get("unrestricted")), ruled=rules is not None,
        )
        change.add("application_credential", credential, project_id=ctx.project_id)
        session.add_all(ApplicationCredentialRole(
            application_credential_id=credential.id, role_id=role_id) for role_id in ids)
        for rule_id in sorted({_rule(session, ctx.user_id, rule) for rule in rules or []}):
            session.add(ApplicationCredentialRule(
                application_credential_id=credential.id, access_rule_id=rule_id
            ))
        session.flush()
        given = _told(session, credential)
        if len(orjson.dumps(given)) > WIDEST:
            raise Invalid(reason="Invalid input for field/attribute access_rules. Together they "
                                 "are too long for a token.")
        _refuse_more(token, given)
        record = _read_records(session, [credential])[0]
    return record, secret


def _refuse_more(token: Token, rules: list[Document] | None) -> None:
    """One that is made with a token of another may ask no more than that. Raises Refused."""
    mine = (token.extra.get(CREDENTIAL) or {}).get("access_rules")
    if mine is not None and (rules is None or any(rule not in mine for rule in rules)):
        raise Refused(reason="The application credential that this token is of has not all of "
                             "these access rules.")


def _told(session: Session, credential: ApplicationCredential) -> list[Document] | None:
    """The access rules as tokens carry them; None for a credential that may ask anything."""
    if not credential.ruled:
        return None
    return [{"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}
            for rule in rules_of(session, [credential.id]).get(credential.id, [])]


def _room(keystone: Keystone, session: Session, user_id: str) -> None:
    """Raises Refused where the user has as many as anybody may."""
    limit = keystone.authentication.application_credentials
    if limit < 0:
        return
    mine = select(func.count()).select_from(ApplicationCredential)
    if (session.scalar(mine.where(ApplicationCredential.user_id == user_id)) or 0) >= limit:
        raise Refused(reason="Unable to create additional application credentials, maximum of "
                             f"{limit} already exceeded for user.")


def _rule(session: Session, user_id: str, request: Document) -> str:
    """Id of the user's rule: the one there is, by id or by what it says, or a new one."""
    if "id" in request and len(request) == 1:
        return _find_rule(session, user_id, request["id"]).id
    if not {"service", "path", "method"} <= set(request):
        raise Invalid(reason="Invalid input for field/attribute access_rules. A rule needs "
                             "service, path and method, or the id of one there is.")
    digest = hashlib.sha256(request["path"].encode()).hexdigest()
    same = {"user_id": user_id, "service": request["service"], "method": request["method"],
            "digest": digest}
    rule = session.scalar(select(AccessRule).filter_by(**same))
    if rule is None:
        rule = AccessRule(id=request.get("id") or new_hex_id(), path=request["path"], **same)
        session.add(rule)
        session.flush()
    return rule.id


def rules_of(session: Session, ids: Iterable[str]) -> dict[str, list[AccessRule]]:
    """Access rules by application credential."""
    query = select(ApplicationCredentialRule.application_credential_id, AccessRule).join(
        AccessRule, AccessRule.id == ApplicationCredentialRule.access_rule_id
    ).where(ApplicationCredentialRule.application_credential_id.in_(list(ids)))
    rules: dict[str, list[AccessRule]] = {}
    for credential_id, rule in session.execute(query):
        rules.setdefault(credential_id, []).append(rule)
    return rules


def roles_of(session: Session, ids: Iterable[str]) -> dict[str, list[Role]]:
    """Roles by application credential."""
    query = select(ApplicationCredentialRole.application_credential_id, Role).join(
        Role, Role.id == ApplicationCredentialRole.role_id
    ).where(ApplicationCredentialRole.application_credential_id.in_(list(ids)))
    roles: dict[str, list[Role]] = {}
    for credential_id, role in session.execute(query.order_by(Role.name)):
        roles.setdefault(credential_id, []).append(role)
    return roles


def forget_user(change: Change, user_id: str) -> None:
    """All of a user's, and the user's rules."""
    end(change, ApplicationCredential.user_id == user_id)
    change.session.execute(delete(AccessRule).where(AccessRule.user_id == user_id))


def end(change: Change, *conditions: Any) -> None:
    """Delete the application credentials that meet these conditions, and end their tokens."""
    ended = change.session.execute(select(
        ApplicationCredential.id, ApplicationCredential.project_id).where(*conditions)).all()
    ids = [row.id for row in ended]
    for id_, project_id in ended:
        change.revoke(delegation_id=id_)
        change.record("application_credential", "deleted", id_, project_id=project_id)
    change.session.execute(delete(ApplicationCredential).where(ApplicationCredential.id.in_(ids)))


def by_secret(
    keystone: Keystone, session: Session, given: Document
) -> tuple[Person, Scope]:
    """Who an application credential logs in, and where. Raises Unauthorized, Invalid."""
    credential = _lookup(session, given)
    stored = credential.secret_hash if credential is not None else None
    credential_id = credential.id if credential is not None else ""
    named = {"id": given.get("id"), "name": given.get("name")}
    account = credential_id or authentication.account(None, named)
    if not keystone.passwords.remembers(credential_id, stored, given["secret"]) and (
        not authentication.checked(keystone, account, stored, given["secret"], credential_id)
    ) or credential is None:
        raise refuse("wrong secret of application credential "
                     f"{credential_id or given.get('id', '')}")
    return scope_of(keystone, session, credential)


def scope_of(
    keystone: Keystone, session: Session, credential: ApplicationCredential
) -> tuple[Person, Scope]:
    """The user, and what the credential is good for now. Raises Unauthorized."""
    ends = credential.expires_at
    if ends is not None and ends <= utcnow():
        raise refuse(f"application credential {credential.id} has expired")
    owner = authentication.lookup(session, {"id": credential.user_id})
    who = authentication.person(keystone, owner)
    row = scopes.project_row(session, {"id": credential.project_id})
    graph = keystone.directory.roles
    scope = scopes.of_project(session, graph, who.id, row)
    kept = {role["id"] for role in scope.roles}
    named = roles_of(session, [credential.id]).get(credential.id, [])
    roles = [r for r in graph.expand({role.id for role in named}) if r["id"] in kept]
    if not roles:
        raise refuse(f"the user of application credential {credential.id} has none of its roles")
    told: Document = {"id": credential.id, "name": credential.name,
                      "restricted": not credential.unrestricted}
    rules = _told(session, credential)
    if rules is not None:
        told["access_rules"] = rules
    return who, Scope(
        scope.document, roles, extra={CREDENTIAL: told, "delegation_id": credential.id},
        end=ends.replace(tzinfo=dt.UTC).timestamp() if ends else None,
    )


def _lookup(session: Session, given: Document) -> ApplicationCredential | None:
    if "id" in given:
        return session.get(ApplicationCredential, given["id"])
    if "name" not in given or "user" not in given:
        raise Invalid(reason="Invalid input for field/attribute application_credential. Expecting "
                             "id, or name and user.")
    user = authentication.lookup(session, given["user"])
    if user is None:
        return None
    return session.scalar(select(ApplicationCredential).where(
        ApplicationCredential.user_id == user.id, ApplicationCredential.name == given["name"]
    ))
