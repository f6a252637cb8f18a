"""/v3/users/{id}/credentials/OS-EC2, key pairs that sign requests; /v3/ec2tokens and /v3/s3tokens,
where a service asks whose a signature is.

Only services and admins may ask: a signed address that somebody passed on must not become a token
of whoever signed it.
"""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import ec2, key_pairs, tokens
from cairn.keystone.core.key_pairs import KeyPair
from cairn.keystone.core.listing import read_only
from cairn.keystone.policy import RULES

api = Api(RULES)
QUERY = read_only("nocatalog")
PATH = "/users/<user_id>/credentials/OS-EC2"


def _view(pair: KeyPair) -> Document:
    access = pair.held["access"]
    return {"user_id": pair.user_id, "tenant_id": pair.project_id, "access": access,
            "secret": pair.held.get("secret"), "trust_id": pair.held.get("trust_id"),
            "links": {"self": link(f"users/{pair.user_id}/credentials/OS-EC2/{access}")}}


@api.post(PATH, policy="identity:ec2_create_credential", body=schemas.EC2_CREATE, status=201,
          late=True, event="identity.credential.created")
def create(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    """Create an EC2 key pair for a user on a project."""
    return {"credential": _view(key_pairs.create(keystone, ctx, user_id, body["tenant_id"]))}


@api.get(PATH, policy="identity:ec2_list_credentials", late=True)
def index(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    """List the user's EC2 key pairs with their secrets."""
    return collection("credentials", map(_view, key_pairs.list_of_user(keystone, ctx, user_id)))


@api.get(f"{PATH}/<access>", policy="identity:ec2_get_credential", late=True)
def show(keystone: Keystone, ctx: Context, user_id: str, access: str) -> Document:
    """Show the EC2 key pair of an access key with its secret."""
    return {"credential": _view(key_pairs.get(keystone, ctx, user_id, access))}


@api.delete(f"{PATH}/<access>", policy="identity:ec2_delete_credential", status=204, late=True,
            event="identity.credential.deleted")
def delete(keystone: Keystone, ctx: Context, user_id: str, access: str) -> None:
    """Delete an EC2 key pair; the tokens that it got end."""
    key_pairs.remove(keystone, ctx, user_id, access)


@api.post("/ec2tokens", policy="identity:ec2tokens_validate", body=schemas.EC2_TOKENS,
          query=QUERY, changes_nothing="it is a login")
def ec2_token(keystone: Keystone, ctx: Context, body: Document, query: Query) -> Reply:
    """Issue a token of whoever signed a request to an EC2 API."""
    text, token = ec2.token(keystone, body, ec2.signed_request)
    view = tokens.view(keystone, token, catalog=not query.getlist("nocatalog"))
    return Reply({"token": view}, headers={"X-Subject-Token": text, "Vary": "X-Auth-Token"})


@api.post("/s3tokens", policy="identity:s3tokens_validate", body=schemas.EC2_TOKENS, query=QUERY,
          changes_nothing="it is a login")
def s3_token(keystone: Keystone, ctx: Context, body: Document, query: Query) -> Reply:
    """Tell whose key signed a string; the token that is shown is not handed out."""
    _, token = ec2.token(keystone, body, ec2.signed_string)
    return Reply({"token": tokens.view(keystone, token, catalog=not query.getlist("nocatalog"))})
