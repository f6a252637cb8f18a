"""/v3/auth: tokens, and what their bearer may do with them."""

from typing import Any

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.listing import Query, read_value
from cairn.common.tokens import Token
from cairn.keystone.api import domains, oauth1, projects
from cairn.keystone.api.schemas import AUTH
from cairn.keystone.api.views import collection, header, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import own_scopes, tokens
from cairn.keystone.core.listing import is_true, read_only, read_truth
from cairn.keystone.errors import FactorsMissing, NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
CHECKED = read_only("allow_expired")
SHOWN = read_only("allow_expired", "nocatalog")
REVOKED = read_only("allow_expired", "cascade")


@api.post("/auth/tokens", policy=PUBLIC, body=AUTH, query=read_only("nocatalog"), status=201,
          changes_nothing="a login is told to nobody: there are thousands a minute")
def issue(keystone: Keystone, ctx: Context, body: Document, query: Query) -> Reply:
    """Prove who one is, and get a token for it; or a receipt, where one factor is not enough."""
    identity = body["auth"]["identity"]
    if "oauth1" in identity["methods"]:
        # The one method whose proof is the request itself.
        identity["oauth1"] = {"signed": oauth1.presented()}
    try:
        text, token = tokens.issue(keystone, body["auth"], header("OpenStack-Auth-Receipt"))
    except FactorsMissing as more:
        return Reply(more.document, status=401, headers={"OpenStack-Auth-Receipt": more.receipt})
    view = tokens.view(keystone, token, catalog=not query.getlist("nocatalog"))
    return Reply({"token": view}, headers={"X-Subject-Token": text, "Vary": "X-Auth-Token"})


def _subject(
    keystone: Keystone, ctx: Context, request: Any, query: Query, policy: str
) -> Token:
    """The token that is asked about, if the caller may ask."""
    text = request.headers.get("X-Subject-Token")
    if not text:
        raise NotKnown("token", "the X-Subject-Token header is missing")
    minded = request.headers.get("OpenStack-Identity-Access-Rules", "")
    token = tokens.subject(
        keystone, text, allow_expired=read_truth(query, "allow_expired"),
        minds_rules=request.method == "DELETE" or minded.split(".")[0].isdigit(),
    )
    keystone.policy.enforce(ctx, policy, {"target.token.user_id": token.user["id"]})
    return token


def _heads(request: Any) -> dict[str, str]:
    return {"X-Subject-Token": request.headers["X-Subject-Token"], "Vary": "X-Auth-Token"}


# Before GET, which would answer HEAD as well.
@api.head("/auth/tokens", policy="identity:check_token", query=CHECKED, late=True, raw=True)
def check(keystone: Keystone, ctx: Context, request: Any, query: Query) -> Reply:
    """Check the token of X-Subject-Token without an answer's body; 404 if it is not valid."""
    _subject(keystone, ctx, request, query, "identity:check_token")
    return Reply(headers=_heads(request))


@api.get("/auth/tokens", policy="identity:validate_token", query=SHOWN, late=True, raw=True)
def validate(keystone: Keystone, ctx: Context, request: Any, query: Query) -> Reply:
    """Show the token of X-Subject-Token; 404 if it is not valid."""
    token = _subject(keystone, ctx, request, query, "identity:validate_token")
    view = tokens.described(keystone, token, catalog=not query.getlist("nocatalog"))
    return Reply({"token": view}, headers=_heads(request))


@api.delete("/auth/tokens", policy="identity:revoke_token", query=REVOKED, status=204, late=True,
            raw=True, event="identity.token.revoked")
def revoke(keystone: Keystone, ctx: Context, request: Any, query: Query) -> None:
    """Revoke the token of X-Subject-Token; a login's takes along, unless cascade=false, those that
    were got with it."""
    token = _subject(keystone, ctx, request, query, "identity:revoke_token")
    tokens.revoke(keystone, ctx, token, cascade=is_true(read_value(query, "cascade") or "true"))


@api.get("/auth/catalog", policy="identity:get_auth_catalog")
def catalog(keystone: Keystone, ctx: Context) -> Document:
    """List the services and endpoints that the token's project sees; 403 without a project."""
    return {"catalog": own_scopes.read_catalog(keystone, ctx),
            "links": {"self": link("auth/catalog")}}


@api.get("/auth/projects", policy="identity:get_auth_projects")
def list_projects(keystone: Keystone, ctx: Context) -> Document:
    """List the enabled projects that the bearer can ask a token for."""
    return collection("projects", map(projects.view, own_scopes.list_projects(keystone, ctx)))


@api.get("/auth/domains", policy="identity:get_auth_domains")
def list_domains(keystone: Keystone, ctx: Context) -> Document:
    """List the enabled domains that the bearer can ask a token for."""
    return collection("domains", map(domains.view, own_scopes.list_domains(keystone, ctx)))


@api.get("/auth/system", policy="identity:get_auth_system")
def system(keystone: Keystone, ctx: Context) -> Document:
    """Tell whether the bearer can ask for a token of the system's scope."""
    held = own_scopes.has_system(keystone, ctx)
    return {"system": [{"all": True}] if held else [], "links": {"self": link("auth/system")}}
