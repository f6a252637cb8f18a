"""/v3/users/{id}/application_credentials and access_rules: second passwords with fewer rights."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import collection, link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import application_credentials as credentials
from cairn.keystone.core.application_credentials import CredentialRecord
from cairn.keystone.core.records import AccessRule
from cairn.keystone.policy import RULES

api = Api(RULES)
PATH = "/users/<user_id>/application_credentials"
RULES_PATH = "/users/<user_id>/access_rules"


def _view(record: CredentialRecord) -> Document:
    row = record.credential
    document: Document = {
        "id": row.id, "name": row.name, "description": row.description,
        "project_id": row.project_id, "user_id": row.user_id,
        "unrestricted": row.unrestricted, "system": None,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "roles": [{"id": role.id, "name": role.name, "domain_id": role.domain_id or None,
                   "description": role.description, "options": role.options}
                  for role in record.roles],
        "links": {"self": link(f"users/{row.user_id}/application_credentials/{row.id}")},
    }
    if row.ruled:
        document["access_rules"] = [_rule(rule) for rule in record.rules]
    return document


def _rule(rule: AccessRule) -> Document:
    return {"id": rule.id, "service": rule.service, "method": rule.method, "path": rule.path}


def _rule_view(rule: AccessRule) -> Document:
    return {**_rule(rule),
            "links": {"self": link(f"users/{rule.user_id}/access_rules/{rule.id}")}}


@api.post(PATH, policy="identity:create_application_credential", status=201, late=True,
          body=schemas.APPLICATION_CREDENTIAL_CREATE,
          event="identity.application_credential.created")
def create(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    """Create an application credential; only this answer tells its secret."""
    record, secret = credentials.create(keystone, ctx, user_id, body["application_credential"])
    return {"application_credential": {**_view(record), "secret": secret}}


@api.get(PATH, policy="identity:list_application_credentials", query=credentials.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    """List the user's application credentials."""
    records = credentials.list_of_user(keystone, ctx, user_id, query)
    return collection("application_credentials", map(_view, records))


@api.get(f"{PATH}/<credential_id>", policy="identity:get_application_credential", late=True)
def show(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> Document:
    """Show an application credential with its roles and access rules, without its secret."""
    record = credentials.get(keystone, ctx, user_id, credential_id)
    return {"application_credential": _view(record)}


@api.delete(f"{PATH}/<credential_id>", policy="identity:delete_application_credential",
            status=204, late=True, event="identity.application_credential.deleted")
def delete(keystone: Keystone, ctx: Context, user_id: str, credential_id: str) -> None:
    """Delete an application credential; the tokens that it got end."""
    credentials.remove(keystone, ctx, user_id, credential_id)


@api.get(RULES_PATH, policy="identity:list_access_rules", query=credentials.RULES_QUERY, late=True)
def list_rules(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    """List the user's access rules, those of no application credential too."""
    return page("access_rules", credentials.list_rules(keystone, ctx, user_id, query), _rule_view)


@api.get(f"{RULES_PATH}/<rule_id>", policy="identity:get_access_rule", late=True)
def show_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> Document:
    """Show one of the user's access rules."""
    return {"access_rule": _rule_view(credentials.get_rule(keystone, ctx, user_id, rule_id))}


@api.delete(f"{RULES_PATH}/<rule_id>", policy="identity:delete_access_rule", status=204, late=True,
            event="identity.access_rule.deleted")
def delete_rule(keystone: Keystone, ctx: Context, user_id: str, rule_id: str) -> None:
    """Delete an access rule; 403 while an application credential has it."""
    credentials.remove_rule(keystone, ctx, user_id, rule_id)
