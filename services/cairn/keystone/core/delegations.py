"""Trusts and application credentials: some of a user's rights, for somebody or something else.

A token that was given for one carries its id (`delegation_id`), can never become a token for more
than that, and ends with it.
"""

import base64
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import new_hex_id, utcnow
from cairn.common.errors import Invalid, Refused
from cairn.common.tokens import Token
from cairn.keystone.core import authentication, passwords, scopes
from cairn.keystone.core.authentication import Person, refuse
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.directory import Graph
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import (
    ROOT,
    AccessRule,
    ApplicationCredential,
    ApplicationCredentialRole,
    ApplicationCredentialRule,
    Role,
    Trust,
    TrustRole,
    User,
)
from cairn.keystone.errors import NotKnown

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone

TRUST, CREDENTIAL = "trust", "application_credential"
REDELEGATIONS = 3


def moment(text: str | None, field: str) -> dt.datetime | None:
    """An expiry as it was asked for. Raises Invalid unless it is one, and to come."""
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Invalid(reason=f"Invalid input for field/attribute {field}. '{text}' is not an "
                             "ISO 8601 moment.") from wrong
    found = found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found
    if found <= utcnow():
        raise Invalid(reason=f"Invalid input for field/attribute {field}. It is in the past.")
    return found


def caller(keystone: "Keystone", ctx: Context) -> Token:
    return keystone.verifier.verify(ctx.token)


def refuse_delegated(keystone: "Keystone", ctx: Context, *but: str) -> None:
    """Raises Refused for a caller who acts by a delegation, other than of a kind in `but`."""
    extra = caller(keystone, ctx).extra
    for kind in (TRUST, CREDENTIAL):
        if kind in extra and kind not in but:
            raise Refused(reason="A token that was given for a trust or an application credential "
                                 "may not do this.")


def refuse_restricted(keystone: "Keystone", ctx: Context) -> None:
    extra = caller(keystone, ctx).extra
    if CREDENTIAL in extra and extra[CREDENTIAL]["restricted"]:
        raise Refused(reason="Using method 'application_credential' is not allowed for managing "
                             "additional application credentials.")


def _roles(session: Session, wanted: Iterable[Document], field: str) -> list[Role]:
    """The roles that {"id"} or {"name"} mean. Raises NotKnown."""
    found = []
    for each in wanted:
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
        found.append(role)
    return found


def held(session: Session, graph: Graph, user_id: str, project_id: str) -> dict[str, str]:
    """Names by id of the roles a user has on a project now."""
    row = scopes.project_row(session, {"id": project_id})
    if row is None:
        raise NotKnown("project", project_id)
    return {role["id"]: role["name"]
            for role in scopes.of_project(session, graph, user_id, row).roles}


# Trusts -----------------------------------------------------------------------------------------

def create_trust(
    keystone: "Keystone", ctx: Context, wanted: Document
) -> tuple[Trust, list[Role]]:
    refuse_delegated(keystone, ctx, TRUST)
    if wanted["trustor_user_id"] != ctx.user_id:
        raise Refused(reason="The authenticated user should match the trustor")
    if wanted.get("project_id") and not wanted.get("roles"):
        raise Refused(reason="At least one role should be specified")
    origin = caller(keystone, ctx).extra.get(TRUST)
    with changing(keystone, ctx) as change:
        session = change.session
        if session.get(User, wanted["trustee_user_id"]) is None:
            raise NotKnown("user", wanted["trustee_user_id"])
        keystone.directory.refresh(session)
        roles = _roles(session, wanted.get("roles", []), "trust.roles")
        project_id = wanted.get("project_id")
        graph = keystone.directory.roles
        mine = held(session, graph, ctx.user_id, project_id) if project_id else {}
        trust = Trust(
            trustor_user_id=ctx.user_id, trustee_user_id=wanted["trustee_user_id"],
            project_id=project_id, impersonation=wanted["impersonation"],
            expires_at=moment(wanted.get("expires_at"), "trust.expires_at"),
            remaining_uses=wanted.get("remaining_uses"), extra={},
            redelegation_count=_redelegations(wanted),
        )
        if origin is not None:
            _redelegate(session, trust, roles, origin["id"])
        for role in roles:
            if role.id not in mine:
                raise NotKnown("role", role.id)
        session.add(trust)
        session.flush()
        session.add_all(TrustRole(trust_id=trust.id, role_id=role.id) for role in roles)
    return trust, roles


def _redelegations(wanted: Document) -> int:
    count = wanted.get("redelegation_count")
    if not wanted.get("allow_redelegation"):
        return 0
    if wanted.get("remaining_uses") is not None:
        raise Invalid(reason="Invalid input for field/attribute remaining_uses. It must not be set "
                             "if redelegation is allowed")
    if count is not None and count > REDELEGATIONS:
        raise Refused(reason=f"Requested redelegation depth of {count} is greater than allowed "
                             f"{REDELEGATIONS}")
    return REDELEGATIONS if count is None else int(count)


def _redelegate(session: Session, trust: Trust, roles: list[Role], origin_id: str) -> None:
    """The new trust is at most what the one it is made with is. Raises Refused."""
    origin = find_trust(session, origin_id)
    given = {role.id for role in trust_roles(session, origin_id)}
    if origin.redelegation_count <= 0:
        raise Refused(reason="Remaining redelegation depth of 0 out of allowed range")
    if not {role.id for role in roles} <= given:
        raise Refused(reason="Some of requested roles are not in redelegated trust")
    if trust.project_id != origin.project_id:
        raise Refused(reason="The redelegated trust is of another project")
    if trust.impersonation and not origin.impersonation:
        raise Refused(reason="Impersonation is not allowed because redelegated trust does not "
                             "specify impersonation.")
    if origin.expires_at is not None and (
        trust.expires_at is None or trust.expires_at > origin.expires_at
    ):
        raise Refused(reason="Requested expiration time is more than redelegated trust can provide")
    trust.redelegated_trust_id = origin_id
    trust.redelegation_count = min(trust.redelegation_count, origin.redelegation_count - 1)


def find_trust(session: Session, trust_id: str) -> Trust:
    """Raises NotKnown, for one that is used up or over as well."""
    trust = session.get(Trust, trust_id)
    if trust is None or trust.remaining_uses == 0 or (
        trust.expires_at is not None and trust.expires_at <= utcnow()
    ):
        raise NotKnown("trust", trust_id)
    return trust


def trust_roles(session: Session, trust_id: str) -> list[Role]:
    query = select(Role).join(TrustRole, TrustRole.role_id == Role.id)
    return list(session.scalars(query.where(TrustRole.trust_id == trust_id).order_by(Role.name)))


def delete_trust(keystone: "Keystone", ctx: Context, trust_id: str) -> None:
    """And those that were made with it."""
    refuse_delegated(keystone, ctx, TRUST)
    with changing(keystone, ctx) as change:
        end_trusts(change, Trust.id == trust_id)


def end_trusts(change: Change, *conditions: Any) -> None:
    ids = set(change.session.scalars(select(Trust.id).where(*conditions)))
    layer = ids
    while layer:
        query = select(Trust.id).where(Trust.redelegated_trust_id.in_(layer))
        layer = set(change.session.scalars(query)) - ids
        ids |= layer
    for trust_id in ids:
        change.revoke(delegation_id=trust_id)
    change.session.execute(delete(Trust).where(Trust.id.in_(ids)))


def by_trust(
    keystone: "Keystone", session: Session, trustee: Person, trust_id: str
) -> tuple[Person, Scope]:
    """Who the trustee becomes, and where. Raises Unauthorized, Refused."""
    try:
        trust = find_trust(session, trust_id)
    except NotKnown as gone:
        raise refuse(str(gone)) from gone
    if trust.trustee_user_id != trustee.id:
        raise Refused(reason="Trustee has no right to use this trust.")
    if trust.project_id is None:
        raise refuse("the trust has no project")
    trustor = authentication.person(authentication.lookup(session, {"id": trust.trustor_user_id}))
    row = scopes.project_row(session, {"id": trust.project_id})
    scope = scopes.of_project(session, keystone.directory.roles, trustor.id, row)
    graph = keystone.directory.roles
    given = graph.expand({role.id for role in trust_roles(session, trust_id)})
    kept = {role["id"] for role in scope.roles}
    if not given or not all(role["id"] in kept for role in given):
        raise Refused(reason="The trustor has not all roles of the trust any more.")
    _use(keystone, trust)
    told = {"id": trust_id, "impersonation": trust.impersonation,
            "trustor_user": {"id": trust.trustor_user_id},
            "trustee_user": {"id": trust.trustee_user_id}}
    end = trust.expires_at.replace(tzinfo=dt.UTC).timestamp() if trust.expires_at else None
    return trustor if trust.impersonation else trustee, Scope(
        scope.document, given, extra={TRUST: told, "delegation_id": trust_id}, end=end
    )


def _use(keystone: "Keystone", trust: Trust) -> None:
    """Take one of the uses that are left; two that ask for the last one are two."""
    if trust.remaining_uses is None:
        return
    with keystone.db.writing() as session:
        took = session.execute(
            update(Trust).where(Trust.id == trust.id, Trust.remaining_uses > 0)
            .values(remaining_uses=Trust.remaining_uses - 1)
            .execution_options(synchronize_session=False)
        )
        if took.rowcount == 0:  # type: ignore[attr-defined]
            raise refuse(f"trust {trust.id} is used up")


# Application credentials ------------------------------------------------------------------------

def create_credential(
    keystone: "Keystone", ctx: Context, wanted: Document
) -> tuple[ApplicationCredential, str]:
    """The credential, and the secret that nobody is told again."""
    refuse_delegated(keystone, ctx, CREDENTIAL)
    refuse_restricted(keystone, ctx)
    if ctx.project_id is None:
        raise Refused(reason="An application credential is made with a token of the project it is "
                             "for.")
    secret = wanted.get("secret") or base64.urlsafe_b64encode(
        secrets.token_bytes(64)).rstrip(b"=").decode()
    stored = passwords.hashed(secret)
    token = caller(keystone, ctx)
    carried = {role["id"] for role in token.roles}
    with changing(keystone, ctx, "application_credential", f"name {wanted['name']}") as change:
        session = change.session
        keystone.directory.refresh(session)
        graph = keystone.directory.roles
        ids = {role.id for role in _roles(session, wanted.get("roles") or [], "roles")} or carried
        # A role may have come since the token did; one of a delegation gives what it carries.
        mine = carried if CREDENTIAL in token.extra else set(
            held(session, graph, ctx.user_id, ctx.project_id)
        )
        if not {role["id"] for role in graph.expand(ids)} <= mine:
            raise Invalid(reason="Invalid application credential: Cannot create an application "
                                 "credential with unassigned role")
        rules = wanted.get("access_rules")
        credential = ApplicationCredential(
            id=new_hex_id(), user_id=ctx.user_id, project_id=ctx.project_id, secret_hash=stored,
            name=wanted["name"].strip(), description=wanted.get("description"),
            expires_at=moment(wanted.get("expires_at"), "expires_at"),
            unrestricted=bool(wanted.get("unrestricted")), ruled=rules is not None,
        )
        session.add(credential)
        session.flush()
        session.add_all(ApplicationCredentialRole(
            application_credential_id=credential.id, role_id=role_id) for role_id in ids)
        for rule_id in sorted({_rule(session, ctx.user_id, rule) for rule in rules or []}):
            session.add(ApplicationCredentialRule(
                application_credential_id=credential.id, access_rule_id=rule_id
            ))
    return credential, secret


def _rule(session: Session, user_id: str, wanted: Document) -> str:
    """Id of the user's rule: the one there is, by id or by what it says, or a new one."""
    if "id" in wanted and len(wanted) == 1:
        rule = session.get(AccessRule, wanted["id"])
        if rule is None or rule.user_id != user_id:
            raise NotKnown("access rule", wanted["id"])
        return rule.id
    if not {"service", "path", "method"} <= set(wanted):
        raise Invalid(reason="Invalid input for field/attribute access_rules. A rule needs "
                             "service, path and method, or the id of one there is.")
    digest = hashlib.sha256(wanted["path"].encode()).hexdigest()
    same = {"user_id": user_id, "service": wanted["service"], "method": wanted["method"],
            "digest": digest}
    rule = session.scalar(select(AccessRule).filter_by(**same))
    if rule is None:
        rule = AccessRule(id=wanted.get("id") or new_hex_id(), path=wanted["path"], **same)
        session.add(rule)
        session.flush()
    return rule.id


def rules_of(session: Session, ids: Iterable[str]) -> dict[str, list[AccessRule]]:
    """Access rules by application credential."""
    query = select(ApplicationCredentialRule.application_credential_id, AccessRule).join(
        AccessRule, AccessRule.id == ApplicationCredentialRule.access_rule_id
    ).where(ApplicationCredentialRule.application_credential_id.in_(list(ids)))
    found: dict[str, list[AccessRule]] = {}
    for credential_id, rule in session.execute(query):
        found.setdefault(credential_id, []).append(rule)
    return found


def roles_of(session: Session, ids: Iterable[str]) -> dict[str, list[Role]]:
    """Roles by application credential."""
    query = select(ApplicationCredentialRole.application_credential_id, Role).join(
        Role, Role.id == ApplicationCredentialRole.role_id
    ).where(ApplicationCredentialRole.application_credential_id.in_(list(ids)))
    found: dict[str, list[Role]] = {}
    for credential_id, role in session.execute(query.order_by(Role.name)):
        found.setdefault(credential_id, []).append(role)
    return found


def end_credentials(change: Change, *conditions: Any) -> None:
    ids = list(change.session.scalars(select(ApplicationCredential.id).where(*conditions)))
    for credential_id in ids:
        change.revoke(delegation_id=credential_id)
    change.session.execute(delete(ApplicationCredential).where(ApplicationCredential.id.in_(ids)))


def by_credential(
    keystone: "Keystone", session: Session, given: Document
) -> tuple[Person, Scope]:
    """Who an application credential logs in, and where. Raises Unauthorized, Invalid."""
    credential = _lookup(session, given)
    stored = credential.secret_hash if credential is not None else None
    known = credential.id if credential is not None else ""
    if not keystone.passwords.right(known, stored, given["secret"]) or credential is None:
        raise refuse("wrong application credential")
    if credential.expires_at is not None and credential.expires_at <= utcnow():
        raise refuse(f"application credential {credential.id} has expired")
    who = authentication.person(authentication.lookup(session, {"id": credential.user_id}))
    row = scopes.project_row(session, {"id": credential.project_id})
    graph = keystone.directory.roles
    scope = scopes.of_project(session, graph, who.id, row)
    kept = {role["id"] for role in scope.roles}
    given_roles = graph.expand({r.id for r in roles_of(session, [known]).get(known, [])})
    roles = [role for role in given_roles if role["id"] in kept]
    if not roles:
        raise refuse(f"the user of application credential {known} has none of its roles")
    told: Document = {"id": known, "name": credential.name,
                      "restricted": not credential.unrestricted}
    if credential.ruled:
        told["access_rules"] = [
            {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}
            for rule in rules_of(session, [known]).get(known, [])
        ]
    expires = credential.expires_at
    return who, Scope(
        scope.document, roles, extra={CREDENTIAL: told, "delegation_id": known},
        end=expires.replace(tzinfo=dt.UTC).timestamp() if expires else None,
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


# Both -------------------------------------------------------------------------------------------

def end_tokens_of(change: Change, user_id: str) -> None:
    """End what was given by the user's trusts, or to the user by others'. (Tokens of application
    credentials are the user's own.)"""
    query = select(Trust.id).where(
        or_(Trust.trustor_user_id == user_id, Trust.trustee_user_id == user_id)
    )
    for trust_id in change.session.scalars(query):
        change.revoke(delegation_id=trust_id)
