"""/v3/credentials: secrets that users keep here."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import credentials
from cairn.keystone.core.credentials import OpenCredential
from cairn.keystone.policy import RULES

api = Api(RULES)


def _view(credential: OpenCredential) -> Document:
    row = credential.row
    return add_link({
        **row.extra, "id": row.id, "type": row.type, "user_id": row.user_id,
        "project_id": row.project_id, "blob": credential.blob,
    }, "credentials")


@api.post("/credentials", policy="identity:create_credential", body=schemas.CREDENTIAL_CREATE,
          status=201, late=True, event="identity.credential.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a credential: a secret that is kept encrypted for a user."""
    return {"credential": _view(credentials.create(keystone, ctx, body["credential"]))}


@api.get("/credentials", policy="identity:list_credentials", query=credentials.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the caller's credentials, or everybody's for who may see them."""
    return page("credentials", credentials.list_page(keystone, ctx, query), _view)


@api.get("/credentials/<credential_id>", policy="identity:get_credential", late=True)
def show(keystone: Keystone, ctx: Context, credential_id: str) -> Document:
    """Show a credential with its secret in the clear."""
    return {"credential": _view(credentials.get(keystone, ctx, credential_id))}


@api.patch("/credentials/<credential_id>", policy="identity:update_credential",
           body=schemas.CREDENTIAL_UPDATE, late=True, event="identity.credential.updated")
def update(keystone: Keystone, ctx: Context, credential_id: str, body: Document) -> Document:
    """Change what a credential holds; its user, project and type stay."""
    credential = credentials.update(keystone, ctx, credential_id, body["credential"])
    return {"credential": _view(credential)}


@api.delete("/credentials/<credential_id>", policy="identity:delete_credential", status=204,
            late=True, event="identity.credential.deleted")
def delete(keystone: Keystone, ctx: Context, credential_id: str) -> None:
    """Delete a credential; the tokens that an EC2 key pair got end."""
    credentials.delete(keystone, ctx, credential_id)
