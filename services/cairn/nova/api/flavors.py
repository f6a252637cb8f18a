"""/flavors"""

from collections.abc import Sequence
from typing import Any

from cairn.common.api import Api, Document
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import (
    BOOLEAN,
    INTEGER,
    NAME,
    PAGE,
    TEXT,
    Query,
    closed,
    queries,
    ranges,
    read_limit,
    wrapped,
)
from cairn.nova.api.views import links, next_link
from cairn.nova.component import Nova
from cairn.nova.core import boot, flavors
from cairn.nova.core.values import truth
from cairn.nova.policy import RULES

api = Api(RULES)

_QUERIES = queries({(2, 1): {
    **PAGE, "is_public": TEXT, "minRam": TEXT, "minDisk": TEXT,
    "sort_key": {"enum": sorted(flavors.SORTABLE)}, "sort_dir": {"enum": ["asc", "desc"]},
}})
_TEXT = {"type": ["string", "null"], "maxLength": 65535}


def _amount(least: int) -> Document:
    return {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": least,
            "maximum": INTEGER}


_CREATE: dict[str, Any] = {
    "name": NAME, "ram": _amount(1), "vcpus": _amount(1), "disk": _amount(0),
    "id": {"type": ["string", "integer", "null"], "minLength": 1, "maxLength": 255,
           "minimum": 0, "pattern": r"^[a-zA-Z0-9. _-]*$"},
    "OS-FLV-EXT-DATA:ephemeral": _amount(0), "swap": _amount(0),
    "rxtx_factor": {"type": ["number", "string"], "pattern": r"^[0-9]+(\.[0-9]+)?$",
                    "exclusiveMinimum": 0, "maximum": 3.40282e38},
    "os-flavor-access:is_public": BOOLEAN,
}
_REQUIRED = ["name", "ram", "vcpus", "disk"]
# Since when a flavor says nothing of a factor that only networks of long ago knew.
_NO_RXTX = (2, 102)


def view(nova: Nova, ctx: Context, flavor: Any) -> Document:
    """`flavor` is a row or a Flavor."""
    shown: Document = {
        "id": flavor.id, "name": flavor.name, "ram": flavor.ram, "vcpus": flavor.vcpus,
        "disk": flavor.disk, "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "swap": flavor.swap or (0 if ctx.version >= (2, 75) else ""),
        "OS-FLV-DISABLED:disabled": flavor.disabled,
        "os-flavor-access:is_public": flavor.is_public,
        "links": links("flavors", flavor.id),
    }
    if ctx.version < _NO_RXTX:
        shown["rxtx_factor"] = flavor.rxtx_factor
    if ctx.version >= (2, 55):
        shown["description"] = flavor.description
    if ctx.version >= (2, 61):
        shown["extra_specs"] = flavor.extra_specs
    return shown


def _list(nova: Nova, ctx: Context, query: Query) -> tuple[Sequence[Any], int]:
    size = read_limit(nova, query)
    numbers = {}
    for name in ("minDisk", "minRam"):
        text = read_value(query, name) or "0"
        number = parse_whole(text)
        if number is None:
            raise Invalid(reason=f"Invalid {name} filter [{text}]")
        numbers[name] = number
    public: bool | None = True
    asked = read_value(query, "is_public")
    if ctx.is_admin and asked is not None:
        public = None if asked.lower() == "none" else truth(asked, "is_public")
    elif not ctx.is_admin:
        public = None  # What the project may see.
    return flavors.list_flavors(
        nova, ctx, public=public, min_disk=numbers["minDisk"], min_ram=numbers["minRam"],
        sort_key=read_value(query, "sort_key") or "flavorid",
        sort_dir=read_value(query, "sort_dir") or "asc", marker=read_value(query, "marker"),
        limit=size,
    ), size


def _listed(items: list[Document], size: int) -> Document:
    following = next_link(items, size, items[-1]["id"]) if items else []
    return {"flavors": items} | ({"flavors_links": following} if following else {})


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List flavors by id and name, by default those the caller may use."""
    listed, size = _list(nova, ctx, query)
    items = []
    for flavor in listed:
        item: Document = {"id": flavor.id, "name": flavor.name,
                          "links": links("flavors", flavor.id)}
        if ctx.version >= (2, 55):
            item["description"] = flavor.description
        items.append(item)
    return _listed(items, size)


def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    """List flavors with everything they say, by default those the caller may use."""
    listed, size = _list(nova, ctx, query)
    return _listed([view(nova, ctx, flavor) for flavor in listed], size)


for _since, _until, _query in _QUERIES:
    api.get("/flavors", policy="os_compute_api:flavors", query=_query, since=_since,
            until=_until)(index)
    api.get("/flavors/detail", policy="os_compute_api:flavors", query=_query, since=_since,
            until=_until)(detail)


@api.get("/flavors/<flavor_id>", policy="os_compute_api:flavors")
def show(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    """Show one flavor that the caller may use."""
    return {"flavor": view(nova, ctx, flavors.get(nova, ctx, flavor_id))}


def create(nova: Nova, ctx: Context, body: Document) -> Document:
    """Make a flavor; without an id it gets one."""
    asked = body["flavor"]
    values = {
        "id": None if asked.get("id") in (None, "", "auto") else str(asked["id"]).strip(),
        "name": asked["name"], "ram": int(asked["ram"]), "vcpus": int(asked["vcpus"]),
        "disk": int(asked["disk"]), "ephemeral": int(asked.get("OS-FLV-EXT-DATA:ephemeral") or 0),
        "swap": int(asked.get("swap") or 0), "rxtx_factor": float(asked.get("rxtx_factor") or 1.0),
        "is_public": boot.truthy(asked.get("os-flavor-access:is_public", True)),
        "description": asked.get("description"),
    }
    if values["id"] == "":
        raise Invalid(reason="id: a flavor's id is not only spaces.")
    return {"flavor": view(nova, ctx, flavors.create(nova, ctx, values))}


_MANAGE = "os_compute_api:os-flavor-manage:create"
for _since, _until, _version in ranges([(2, 1), (2, 55), _NO_RXTX]):
    _members = {**_CREATE, "description": _TEXT} if _version >= (2, 55) else dict(_CREATE)
    if _version >= _NO_RXTX:
        del _members["rxtx_factor"]
    api.post("/flavors", policy=_MANAGE, body=wrapped("flavor", closed(_REQUIRED, **_members)),
             since=_since, until=_until, event="flavor.create")(create)


@api.put("/flavors/<flavor_id>", policy="os_compute_api:os-flavor-manage:update", since="2.55",
         body=wrapped("flavor", closed(["description"], description=_TEXT)),
         event="flavor.update")
def change(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    """Describe a flavor anew; nothing else of one can be changed."""
    flavor = flavors.describe(nova, ctx, flavor_id, body["flavor"]["description"])
    return {"flavor": view(nova, ctx, flavor)}


@api.delete("/flavors/<flavor_id>", policy="os_compute_api:os-flavor-manage:delete", status=202,
            event="flavor.delete")
def remove(nova: Nova, ctx: Context, flavor_id: str) -> None:
    """Delete a flavor; servers keep what they were made from."""
    flavors.remove(nova, ctx, flavor_id)
