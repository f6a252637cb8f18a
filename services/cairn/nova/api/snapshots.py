"""/os-snapshots: Cinder's, in the words of 2.1 to 2.35."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.nova.api.schemas import BOOLEAN, Query, closed, wrapped
from cairn.nova.api.views import roots
from cairn.nova.api.volumes import CINDERS, LAST, NAMES, PAGE, ask, list_page
from cairn.nova.component import Nova
from cairn.nova.core import boot
from cairn.nova.core.values import neighbours_id
from cairn.nova.policy import RULES

api = Api(RULES)

_TEXT = {"type": "string", "maxLength": 255}
_CREATE = wrapped("snapshot", closed(
    ["volume_id"], volume_id=_TEXT, display_name=_TEXT, display_description=_TEXT, force=BOOLEAN))


def view(snapshot: Document) -> Document:
    return {
        "id": snapshot["id"], "volumeId": snapshot["volume_id"], "status": snapshot["status"],
        "size": snapshot["size"], "createdAt": snapshot["created_at"],
        "displayName": snapshot["name"], "displayDescription": snapshot["description"],
    }


@api.get("/os-snapshots", policy="os_compute_api:os-volumes:snapshots:list", until=LAST,
         query=PAGE)
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's snapshots of volumes, which are Cinder's."""
    return {"snapshots": [view(each) for each in list_page(nova, ctx, "snapshots", query)]}


@api.get("/os-snapshots/detail", policy="os_compute_api:os-volumes:snapshots:detail", until=LAST,
         query=PAGE)
def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's snapshots of volumes, with the same details."""
    return {"snapshots": [view(each) for each in list_page(nova, ctx, "snapshots", query)]}


@api.get("/os-snapshots/<snapshot_id>", policy="os_compute_api:os-volumes:snapshots:show",
         until=LAST)
def show(nova: Nova, ctx: Context, snapshot_id: str) -> Document:
    """Show a snapshot of Cinder's."""
    path = f"/snapshots/{neighbours_id('Snapshot', snapshot_id)}"
    return {"snapshot": view(ask(nova, ctx, "GET", path)["snapshot"])}


@api.post("/os-snapshots", policy="os_compute_api:os-volumes:snapshots:create", until=LAST,
          body=_CREATE, changes_nothing=CINDERS)
def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Have Cinder take a snapshot of a volume; of one that is in use only with `force`."""
    asked = {NAMES.get(name, name): value for name, value in body["snapshot"].items()}
    asked["volume_id"] = neighbours_id("Volume", asked["volume_id"])
    asked["force"] = boot.truthy(asked.get("force", False))
    made = ask(nova, ctx, "POST", "/snapshots", {"snapshot": asked})["snapshot"]
    return Reply({"snapshot": view(made)}, 200, {
        "Location": f"{roots()[0]}/os-snapshots/{made['id']}"})


@api.delete("/os-snapshots/<snapshot_id>", policy="os_compute_api:os-volumes:snapshots:delete",
            until=LAST, status=202, changes_nothing=CINDERS)
def remove(nova: Nova, ctx: Context, snapshot_id: str) -> None:
    """Have Cinder delete a snapshot."""
    ask(nova, ctx, "DELETE", f"/snapshots/{neighbours_id('Snapshot', snapshot_id)}")
