"""/v3/users/{id}/application_credentials and access_rules: second passwords with fewer rights."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, collection, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import application_credentials as credentials
from cairn.keystone.core import delegations
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.users import find as find_user
from cairn.keystone.db.models import (
    AccessRule,
    ApplicationCredential,
    ApplicationCredentialRule,
)
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
PATH = "/users/<user_id>/application_credentials"
RULES_PATH = "/users/<user_id>/access_rules"


def _views(session: Session, rows: list[ApplicationCredential]) -> list[Document]:
    ids = [row.id for row in rows]
    roles, rules = credentials.roles_of(session, ids), credentials.rules_of(session, ids)
    found = []
    for row in rows:
        view: Document = {
            "id": row.id, "name": row.name, "description": row.description,
            "project_id": row.project_id, "user_id": row.user_id,
            "unrestricted": row.unrestricted, "system": None,
            "expires_at": row.expires_at.isoformat() if row.expires_at else None,
            "roles": [{"id": role.id, "name": role.name, "domain_id": role.domain_id or None,
                       "description": role.description, "options": role.options}
                      for role in roles.get(row.id, [])],
            "links": {"self": link(f"users/{row.user_id}/application_credentials/{row.id}")},
        }
        if row.ruled:
            view["access_rules"] = [_said(rule) for rule in rules.get(row.id, [])]
        found.append(view)
    return found


def _said(rule: AccessRule) -> Document:
    return {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}


def _rule(rule: AccessRule) -> Document:
    return {**_said(rule),
            "links": {"self": link(f"users/{rule.user_id}/access_rules/{rule.id}")}}


def _permitted(keystone: Keystone, ctx: Context, policy: str, user_id: str) -> None:
    keystone.policy.enforce(ctx, policy, {"user_id": user_id, "target.user.id": user_id})
    delegations.refuse_delegated(keystone, ctx, delegations.CREDENTIAL)


def _found(
    keystone: Keystone, ctx: Context, policy: str, user_id: str, credential_id: str
) -> ApplicationCredential:
    """The credential, if the caller may do that to it: its own user counts, not the path's."""
    with keystone.db.reading() as session:
        found = session.get(ApplicationCredential, credential_id)
    _permitted(keystone, ctx, policy, user_id if found is None else found.user_id)
    if found is None:
        raise NotKnown("application credential", credential_id)
    return found


@api.post(PATH, policy="identity:create_application_credential", status=201, late=True,
          body=schemas.APPLICATION_CREDENTIAL_CREATE)
def create(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    _permitted(keystone, ctx, "identity:create_application_credential", user_id)
    wanted = body["application_credential"]
    credential, secret = credentials.create(keystone, ctx, wanted)
    with keystone.db.reading() as session:
        return {"application_credential": {**_views(session, [credential])[0], "secret": secret}}


@api.get(PATH, policy="identity:list_application_credentials", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    _permitted(keystone, ctx, "identity:list_application_credentials", user_id)
    wanted = select(ApplicationCredential).where(ApplicationCredential.user_id == user_id)
    if query.get("name"):
        wanted = wanted.where(ApplicationCredential.name == query.get("name"))
    with keystone.db.reading() as session:
        find_user(session, user_id)
        rows = list(session.scalars(wanted.order_by(ApplicationCredential.name)))
        return collection("application_credentials", _views(session, rows))


@api.get(f"{PATH}/<credential_id>", policy="identity:get_application_credential", late=True)
def show(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> Document:
    row = _found(keystone, ctx, "identity:get_application_credential", user_id, credential_id)
    with keystone.db.reading() as session:
        return {"application_credential": _views(session, [row])[0]}


@api.delete(f"{PATH}/<credential_id>", policy="identity:delete_application_credential",
            status=204, late=True)
def delete(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> None:
    _found(keystone, ctx, "identity:delete_application_credential", user_id, credential_id)
    credentials.refuse_restricted(keystone, ctx)
    with changing(keystone, ctx) as change:
        credentials.end(change, ApplicationCredential.id == credential_id)


@api.get(RULES_PATH, policy="identity:list_access_rules", query=QUERY, late=True)
def rules(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    _permitted(keystone, ctx, "identity:list_access_rules", user_id)
    wanted = select(AccessRule).where(AccessRule.user_id == user_id)
    columns = {"service": AccessRule.service, "path": AccessRule.path, "method": AccessRule.method}
    with keystone.db.reading() as session:
        return listed(session, "access_rules", wanted, query, columns, AccessRule.id, _rule)


def _find_rule(session: Session, user_id: str, rule_id: str) -> AccessRule:
    found = session.get(AccessRule, rule_id)
    if found is None or found.user_id != user_id:
        raise NotKnown("access rule", rule_id)
    return found


@api.get(f"{RULES_PATH}/<rule_id>", policy="identity:get_access_rule", late=True)
def show_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> Document:
    _permitted(keystone, ctx, "identity:get_access_rule", user_id)
    with keystone.db.reading() as session:
        return {"access_rule": _rule(_find_rule(session, user_id, rule_id))}


@api.delete(f"{RULES_PATH}/<rule_id>", policy="identity:delete_access_rule", status=204, late=True)
def delete_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> None:
    _permitted(keystone, ctx, "identity:delete_access_rule", user_id)
    with keystone.db.writing() as session:
        rule = _find_rule(session, user_id, rule_id)
        if session.scalar(select(exists().where(
            ApplicationCredentialRule.access_rule_id == rule_id
        ))):
            raise Refused(reason=f"Access rule {rule_id} is in use by an application credential.")
        session.delete(rule)
