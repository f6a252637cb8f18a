"""/images: Glance's, in the words of 2.1 to 2.35."""

from urllib.parse import urlencode

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound, Problem
from cairn.common.listing import TRUE, read_value
from cairn.nova.api import schemas
from cairn.nova.api.schemas import NUMBER, TEXT, Query, read_limit
from cairn.nova.api.views import links, next_link
from cairn.nova.component import Nova
from cairn.nova.core import images
from cairn.nova.core.values import moment, neighbours_id
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
GLANCES = "the images are Glance's, which records it"

# Glance's words for each of ours, and how far an image of that status has come, in per cent.
_STATUSES = {
    "active": ("ACTIVE", 100), "queued": ("SAVING", 25), "saving": ("SAVING", 50),
    "uploading": ("SAVING", 50), "importing": ("SAVING", 50), "deleted": ("DELETED", 0),
    "pending_delete": ("DELETED", 0), "killed": ("ERROR", 0),
}
# What Glance calls the filters.
_FILTERS = {"name": "name", "minRam": "min_ram", "minDisk": "min_disk", "type": "image_type"}
_PROPERTY = "property-"
# What Glance would take for something else than a property's name.
_NO_PROPERTIES = images.BASE | {
    "limit", "marker", "sort", "sort_key", "sort_dir", "member_status", "tag", "changes-since",
    "size_min", "size_max"}


def summary(image: Document, address: str) -> Document:
    """`address` is Glance's."""
    there = {"rel": "alternate", "type": "application/vnd.openstack.image",
             "href": f"{address}/images/{image['id']}"}
    return {"id": image["id"], "name": image.get("name"),
            "links": [*links("images", image["id"]), there]}


def view(image: Document, address: str) -> Document:
    own = images.properties(image)
    status, progress = _STATUSES.get(image["status"], ("UNKNOWN", 0))
    shown = summary(image, address) | {
        "status": status, "progress": progress, "created": image["created_at"],
        "updated": image["updated_at"], "minRam": int(image.get("min_ram") or 0),
        "minDisk": int(image.get("min_disk") or 0), "metadata": own,
        "OS-EXT-IMG-SIZE:size": image.get("size") or 0,
    }
    if server := own.get("instance_uuid"):
        shown["server"] = {"id": server, "links": links("servers", server)}
    if (automatic := own.get("auto_disk_config")) is not None:
        shown["OS-DCF:diskConfig"] = "AUTO" if str(automatic).lower() in TRUE else "MANUAL"
    return shown


def _filters(query: Query) -> dict[str, str]:
    """What Glance is asked for. Raises Invalid naming the parameter."""
    asked: dict[str, str] = {}
    for name, theirs in _FILTERS.items():
        if (value := read_value(query, name)) is not None:
            asked[theirs] = value
    if (value := read_value(query, "status")) is not None:
        same = [word for word, (shown, _) in _STATUSES.items() if shown == value.upper()]
        asked["status"] = f"in:{','.join(same)}" if same else value.lower()
    if (value := read_value(query, "server")) is not None:  # Its id, or any of its links.
        asked["instance_uuid"] = value.rpartition("/")[2]
    if (value := read_value(query, "changes-since")) is not None:
        asked["updated_at"] = f"gte:{moment(value, 'changes-since').isoformat()}"
    for name in query.keys():
        if name.startswith(_PROPERTY):
            own = name.removeprefix(_PROPERTY)
            if own in _NO_PROPERTIES:
                raise Invalid(reason=f"{name}: {own} is no property of an image.")
            asked[own] = read_value(query, name) or ""
    return asked


def _page(nova: Nova, ctx: Context, query: Query) -> tuple[list[Document], list[Document]]:
    """The images asked for, as Glance shows them, and where the next ones are."""
    limit = read_limit(nova, query)
    if limit == 0:
        return [], []
    asked = _filters(query) | {"limit": str(limit)}
    if marker := read_value(query, "marker"):
        asked["marker"] = marker
    try:
        listed = nova.cloud.images.forward(ctx, "GET", f"/images?{urlencode(asked)}")["images"]
    except Problem as problem:
        if problem.code == 404:
            raise Invalid(reason=f"marker: {marker} is no image.") from None
        raise
    return listed, next_link(listed, limit, listed[-1]["id"]) if listed else []


def _document(shown: list[Document], following: list[Document]) -> Document:
    return {"images": shown} | ({"images_links": following} if following else {})


_QUERY = {
    **schemas.query(name=TEXT, status=TEXT, server=TEXT, type=TEXT, minRam=NUMBER, minDisk=NUMBER,
                    limit=NUMBER, marker=TEXT, **{"changes-since": TEXT}),
    "patternProperties": {f"^{_PROPERTY}": {"type": "array", "items": TEXT}},
}


@api.get("/images", policy=ANYONE, until=LAST, query=_QUERY)
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the images that the caller sees in Glance, the newest first, by id and name."""
    listed, following = _page(nova, ctx, query)
    address = nova.cloud.images.address()
    return _document([summary(image, address) for image in listed], following)


@api.get("/images/detail", policy=ANYONE, until=LAST, query=_QUERY)
def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the images that the caller sees in Glance, the newest first, with all their details."""
    listed, following = _page(nova, ctx, query)
    address = nova.cloud.images.address()
    return _document([view(image, address) for image in listed], following)


@api.get("/images/<image_id>", policy=ANYONE, until=LAST)
def show(nova: Nova, ctx: Context, image_id: str) -> Document:
    """Show one image of Glance's."""
    image = find(nova, ctx, image_id)
    return {"image": view(image, nova.cloud.images.address())}


def find(nova: Nova, ctx: Context, image_id: str) -> Document:
    """The image as Glance shows it to the caller. Raises NotFound."""
    try:
        return nova.cloud.images.show(ctx, neighbours_id("Image", image_id))
    except Problem as problem:
        if problem.code == 404:
            raise NotFound("Image", image_id) from None
        raise


@api.delete("/images/<image_id>", policy=ANYONE, until=LAST, status=204, changes_nothing=GLANCES)
def remove(nova: Nova, ctx: Context, image_id: str) -> None:
    """Delete an image in Glance; one that is protected, or another's, is refused."""
    nova.cloud.images.forward(ctx, "DELETE", f"/images/{neighbours_id('Image', image_id)}")
