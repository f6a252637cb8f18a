"""/v3/policies: documents kept for others (deprecated upstream, still part of the API)."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import policy_documents
from cairn.keystone.core.records import PolicyBlob
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(policy: PolicyBlob) -> Document:
    return add_link({**policy.extra, "id": policy.id, "type": policy.type, "blob": policy.blob},
                    "policies")


@api.post("/policies", policy="identity:create_policy", body=schemas.POLICY_CREATE, status=201,
          event="identity.policy.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a policy document for other services, which keystone does not read."""
    return {"policy": view(policy_documents.create(keystone, ctx, body["policy"]))}


@api.get("/policies", policy="identity:list_policies", query=policy_documents.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the policy documents."""
    return page("policies", policy_documents.list_page(keystone, query), view)


@api.get("/policies/<policy_id>", policy="identity:get_policy")
def show(keystone: Keystone, ctx: Context, policy_id: str) -> Document:
    """Show a policy document."""
    return {"policy": view(policy_documents.get(keystone, policy_id))}


@api.patch("/policies/<policy_id>", policy="identity:update_policy", body=schemas.POLICY_UPDATE,
           event="identity.policy.updated")
def update(keystone: Keystone, ctx: Context, policy_id: str, body: Document) -> Document:
    """Change a policy document."""
    return {"policy": view(policy_documents.update(keystone, ctx, policy_id, body["policy"]))}


@api.delete("/policies/<policy_id>", policy="identity:delete_policy", status=204,
            event="identity.policy.deleted")
def delete(keystone: Keystone, ctx: Context, policy_id: str) -> None:
    """Delete a policy document with its associations."""
    policy_documents.delete(keystone, ctx, policy_id)
