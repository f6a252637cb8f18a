"""/os-volumes: Cinder's, in the words of 2.1 to 2.35."""

from urllib.parse import urlencode

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Problem, Refused
from cairn.common.listing import read_value
from cairn.nova.api.schemas import COUNT, NUMBER, Query, closed, query, read_limit, wrapped
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core.values import neighbours_id
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
CINDERS = "the volumes are Cinder's, which records it"
PAGE = query(limit=NUMBER, offset=NUMBER)
# What Cinder calls what clients of before say.
NAMES = {"display_name": "name", "display_description": "description"}
_TEXT = {"type": "string", "maxLength": 255}
_CREATE = wrapped("volume", closed(
    ["size"], size=COUNT | {"minimum": 1}, display_name=_TEXT, display_description=_TEXT,
    volume_type=_TEXT, snapshot_id=_TEXT, availability_zone=_TEXT,
    metadata={"type": "object", "additionalProperties": True}))


def ask(
    nova: Nova, ctx: Context, method: str, path: str, document: Document | None = None
) -> Document:
    """As the caller. Raises Refused for what is over a quota."""
    try:
        return nova.cloud.volumes.forward(ctx, method, path, document)
    except Problem as problem:
        if problem.code == 413:
            raise Refused(reason=str(problem)) from None
        raise


def list_page(nova: Nova, ctx: Context, kind: str, query: Query) -> list[Document]:
    """Cinder's volumes, or snapshots, of the page that is asked for."""
    limit = read_limit(nova, query)
    if limit == 0:
        return []
    page = urlencode({"limit": limit, "offset": int(read_value(query, "offset") or 0)})
    return ask(nova, ctx, "GET", f"/{kind}/detail?{page}")[kind]  # type: ignore[no-any-return]


def view(volume: Document) -> Document:
    return {
        "id": volume["id"], "status": volume["status"], "size": volume["size"],
        "availabilityZone": volume["availability_zone"], "createdAt": volume["created_at"],
        "displayName": volume["name"], "displayDescription": volume["description"],
        "volumeType": volume["volume_type"], "snapshotId": volume["snapshot_id"],
        "metadata": volume.get("metadata") or {}, "attachments": [_attachment(volume)],
    }


def _attachment(volume: Document) -> Document:
    """The first of them: there was once only one; where there is none, an empty one."""
    for attachment in volume["attachments"]:
        shown = {"id": volume["id"], "volumeId": volume["id"], "serverId": attachment["server_id"]}
        if attachment.get("device"):
            shown["device"] = attachment["device"]
        return shown
    return {}


@api.get("/os-volumes", policy="os_compute_api:os-volumes:list", until=LAST, query=PAGE)
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's volumes, which are Cinder's."""
    return {"volumes": [view(volume) for volume in list_page(nova, ctx, "volumes", query)]}


@api.get("/os-volumes/detail", policy="os_compute_api:os-volumes:detail", until=LAST, query=PAGE)
def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's volumes, with the same details."""
    return {"volumes": [view(volume) for volume in list_page(nova, ctx, "volumes", query)]}


@api.get("/os-volumes/<volume_id>", policy="os_compute_api:os-volumes:show", until=LAST)
def show(nova: Nova, ctx: Context, volume_id: str) -> Document:
    """Show a volume of Cinder's."""
    path = f"/volumes/{neighbours_id('Volume', volume_id)}"
    return {"volume": view(ask(nova, ctx, "GET", path)["volume"])}


@api.post("/os-volumes", policy="os_compute_api:os-volumes:create", until=LAST, body=_CREATE,
          changes_nothing=CINDERS)
def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Have Cinder make a volume; it is creating until it is there."""
    asked = {NAMES.get(name, name): value for name, value in body["volume"].items()}
    if "snapshot_id" in asked:
        asked["snapshot_id"] = neighbours_id("Snapshot", asked["snapshot_id"])
    made = ask(nova, ctx, "POST", "/volumes", {"volume": asked})["volume"]
    return Reply({"volume": view(made)}, 200, {
        "Location": f"{roots()[0]}/os-volumes/{made['id']}"})


@api.delete("/os-volumes/<volume_id>", policy="os_compute_api:os-volumes:delete", until=LAST,
            status=202, changes_nothing=CINDERS)
def remove(nova: Nova, ctx: Context, volume_id: str) -> None:
    """Have Cinder delete a volume; one that is in use is refused."""
    ask(nova, ctx, "DELETE", f"/volumes/{neighbours_id('Volume', volume_id)}")
