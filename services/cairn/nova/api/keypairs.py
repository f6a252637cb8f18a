"""/os-keypairs"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.nova.api.schemas import PAGE, TEXT, Query, closed, queries, read_limit, wrapped
from cairn.nova.api.views import next_link, stamp
from cairn.nova.component import Nova
from cairn.nova.core import keypairs
from cairn.nova.core.keypairs import Keypair
from cairn.nova.policy import RULES

api = Api(RULES)

_KEY = {"type": "string"}
_OF_ONE = queries({(2, 10): {"user_id": TEXT}})
_TYPE = {"enum": ["ssh", "x509"]}
_USER = {"type": "string", "minLength": 1, "maxLength": 255}
# What can be one segment of a path: names of old have no dots, those since 2.92 are not all dots;
# since then, too, keys are no more made by us.
_PLAIN = {"type": "string", "minLength": 1, "maxLength": 255,
          "pattern": "^[a-zA-Z0-9_-]([a-zA-Z0-9 _-]*[a-zA-Z0-9_-])?$"}
_STRICT = {"type": "string", "minLength": 1, "maxLength": 255,
           "pattern": r"^(?!\.{1,2}$)[a-zA-Z0-9@._-]([a-zA-Z0-9 @._-]*[a-zA-Z0-9@._-])?$"}


def view(ctx: Context, pair: Keypair) -> Document:
    shown: Document = {"name": pair.name, "public_key": pair.public_key,
                       "fingerprint": pair.fingerprint}
    if ctx.version >= (2, 2):
        shown["type"] = pair.type
    return shown


def _user(nova: Nova, ctx: Context, verb: str, asked: str | None) -> str:
    """Whose keys are meant; another's only for admins, and only since 2.10."""
    user = asked if asked and ctx.version >= (2, 10) else ctx.user_id
    nova.policy.enforce(ctx, f"os_compute_api:os-keypairs:{verb}", {"user_id": user})
    return user


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List a user's key pairs, by default the caller's, by name."""
    user = _user(nova, ctx, "index", read_value(query, "user_id"))
    size = marker = None
    if ctx.version >= (2, 35):
        size, marker = read_limit(nova, query), read_value(query, "marker")
    pairs = keypairs.list_keypairs(nova, user, marker, size)
    items: list[Document] = [{"keypair": view(ctx, pair)} for pair in pairs]
    following = next_link(items, size, pairs[-1].name) if size and pairs else []
    return {"keypairs": items} | ({"keypairs_links": following} if following else {})


for _since, _until, _query in queries({(2, 10): {"user_id": TEXT}, (2, 35): PAGE}):
    api.get("/os-keypairs", policy="os_compute_api:os-keypairs:index", query=_query, late=True,
            since=_since, until=_until)(index)


def show(nova: Nova, ctx: Context, name: str, query: Query) -> Document:
    """Show one of a user's key pairs, by its name."""
    user = _user(nova, ctx, "show", read_value(query, "user_id"))
    pair = keypairs.get(nova, user, name)
    return {"keypair": view(ctx, pair) | {
        "user_id": pair.user_id, "id": pair.number, "deleted": False, "deleted_at": None,
        "created_at": stamp(pair.created_at), "updated_at": stamp(pair.updated_at),
    }}


for _since, _until, _query in _OF_ONE:
    api.get("/os-keypairs/<name>", policy="os_compute_api:os-keypairs:show", query=_query,
            late=True, since=_since, until=_until)(show)


def create(nova: Nova, ctx: Context, body: Document) -> Document:
    """Import a public key; before 2.92, without one, make a pair and show its private key once."""
    request = body["keypair"]
    user = _user(nova, ctx, "create", request.get("user_id"))
    pair, private_key = keypairs.create(
        nova, ctx, user, request["name"], request.get("type", "ssh"), request.get("public_key"))
    shown = view(ctx, pair) | {"user_id": pair.user_id}
    if private_key is not None:
        shown["private_key"] = private_key
    return {"keypair": shown}


def _body(required: list[str], **properties: Any) -> Any:
    return wrapped("keypair", closed(required, **properties))


_POLICY = "os_compute_api:os-keypairs:create"
for _since, _until, _status, _schema in (
    ("2.1", "2.1", 200, _body(["name"], name=_PLAIN, public_key=_KEY)),
    ("2.2", "2.9", 201, _body(["name"], name=_PLAIN, public_key=_KEY, type=_TYPE)),
    ("2.10", "2.91", 201, _body(["name"], name=_PLAIN, public_key=_KEY, type=_TYPE,
                                user_id=_USER)),
    ("2.92", None, 201, _body(["name", "public_key"], name=_STRICT, public_key=_KEY, type=_TYPE,
                              user_id=_USER)),
):
    api.post("/os-keypairs", policy=_POLICY, body=_schema, since=_since, until=_until,
             status=_status, late=True, event="keypair.create")(create)


def remove(nova: Nova, ctx: Context, name: str, query: Query) -> None:
    """Delete a key pair; servers keep the key they were made with."""
    user = _user(nova, ctx, "delete", read_value(query, "user_id"))
    keypairs.remove(nova, ctx, user, name)


for _since, _until, _query in queries({(2, 2): {}, (2, 10): {"user_id": TEXT}}):
    api.delete("/os-keypairs/<name>", policy="os_compute_api:os-keypairs:delete", query=_query,
               status=202 if _since == "2.1" else 204, late=True, since=_since, until=_until,
               event="keypair.delete")(remove)
