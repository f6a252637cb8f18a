"""/flavors, their extra specs, and who may see them."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound
from cairn.nova.api.words import (
    BOOLEAN,
    NAME,
    NUMBER,
    Query,
    base,
    closed,
    limit,
    links,
    next_link,
    query,
    truth,
    wrapped,
)
from cairn.nova.component import Nova
from cairn.nova.core import boot, flavors
from cairn.nova.db.models import Flavor
from cairn.nova.errors import ExtraSpecNotFound, FlavorNotFound
from cairn.nova.policy import RULES

api = Api(RULES)

LIST_QUERY = query(limit=NUMBER, sort_dir={"enum": ["asc", "desc"]})
_TEXT = {"type": ["string", "null"], "maxLength": 65535}


def _amount(least: int) -> Document:
    return {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": least,
            "maximum": 0x7FFFFFFF}


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


def view(nova: Nova, ctx: Context, flavor: Flavor) -> Document:
    shown: Document = {
        "id": flavor.id, "name": flavor.name, "ram": flavor.ram, "vcpus": flavor.vcpus,
        "disk": flavor.disk, "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "swap": flavor.swap or (0 if ctx.version >= (2, 75) else ""),
        "rxtx_factor": flavor.rxtx_factor, "OS-FLV-DISABLED:disabled": flavor.disabled,
        "os-flavor-access:is_public": flavor.is_public, "links": links(base(), "flavors",
                                                                       flavor.id),
    }
    if ctx.version >= (2, 55):
        shown["description"] = flavor.description
    if ctx.version >= (2, 61):
        shown["extra_specs"] = flavor.extra_specs
    return shown


def _list(nova: Nova, ctx: Context, query: Query) -> tuple[list[Flavor], int]:
    size = limit(nova, query)
    numbers = {}
    for name in ("minDisk", "minRam"):
        text = query.get(name, "0")
        if not text.isdigit():
            raise Invalid(reason=f"Invalid {name} filter [{text}]")
        numbers[name] = int(text)
    public: bool | None = True
    if ctx.is_admin and "is_public" in query:
        text = query["is_public"]
        public = None if text.lower() == "none" else truth(text, "is_public")
    elif not ctx.is_admin:
        public = None  # What the project may see.
    key = query.get("sort_key", "flavorid")
    if key not in flavors.SORTABLE:
        raise Invalid(reason=f"sort_key: flavors are not sorted by {key}")
    with nova.db.reading() as session:
        try:
            return flavors.list_(
                session, ctx, public=public, min_disk=numbers["minDisk"],
                min_ram=numbers["minRam"], sort_key=key,
                sort_dir=query.get("sort_dir", "asc"), marker=query.get("marker"), limit=size,
            ), size
        except FlavorNotFound:
            raise Invalid(reason=f"marker [{query['marker']}] not found") from None


def _listed(items: list[Document], size: int) -> Document:
    following = next_link(items, size, items[-1]["id"]) if items else []
    return {"flavors": items} | ({"flavors_links": following} if following else {})


@api.get("/flavors", policy="os_compute_api:flavors", query=LIST_QUERY)
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    found, size = _list(nova, ctx, query)
    items = []
    for flavor in found:
        item: Document = {"id": flavor.id, "name": flavor.name,
                          "links": links(base(), "flavors", flavor.id)}
        if ctx.version >= (2, 55):
            item["description"] = flavor.description
        items.append(item)
    return _listed(items, size)


@api.get("/flavors/detail", policy="os_compute_api:flavors", query=LIST_QUERY)
def detail(nova: Nova, ctx: Context, query: Query) -> Document:
    found, size = _list(nova, ctx, query)
    return _listed([view(nova, ctx, flavor) for flavor in found], size)


@api.get("/flavors/<flavor_id>", policy="os_compute_api:flavors")
def show(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    with nova.db.reading() as session:
        return {"flavor": view(nova, ctx, flavors.find(session, ctx, flavor_id))}


def create(nova: Nova, ctx: Context, body: Document) -> Document:
    asked = body["flavor"]
    wanted = {
        "id": None if asked.get("id") in (None, "", "auto") else str(asked["id"]).strip(),
        "name": asked["name"], "ram": int(asked["ram"]), "vcpus": int(asked["vcpus"]),
        "disk": int(asked["disk"]), "ephemeral": int(asked.get("OS-FLV-EXT-DATA:ephemeral") or 0),
        "swap": int(asked.get("swap") or 0), "rxtx_factor": float(asked.get("rxtx_factor") or 1.0),
        "is_public": boot.truthy(asked.get("os-flavor-access:is_public", True)),
        "description": asked.get("description"),
    }
    if wanted["id"] == "":
        raise Invalid(reason="id: a flavor's id is not only spaces.")
    with nova.db.writing() as session:
        flavor = flavors.create(session, wanted)
    return {"flavor": view(nova, ctx, flavor)}


_MANAGE = "os_compute_api:os-flavor-manage:create"
_OLD = wrapped("flavor", closed(_REQUIRED, **_CREATE))
_NEW = wrapped("flavor", closed(_REQUIRED, **_CREATE, description=_TEXT))
api.post("/flavors", policy=_MANAGE, body=_OLD, until="2.54")(create)
api.post("/flavors", policy=_MANAGE, body=_NEW, since="2.55")(create)


@api.put("/flavors/<flavor_id>", policy="os_compute_api:os-flavor-manage:update", since="2.55",
         body=wrapped("flavor", closed(["description"], description=_TEXT)))
def change(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    with nova.db.writing() as session:
        flavor = flavors.find(session, ctx, flavor_id)
        flavor.description = body["flavor"]["description"]
    return {"flavor": view(nova, ctx, flavor)}


@api.delete("/flavors/<flavor_id>", policy="os_compute_api:os-flavor-manage:delete", status=202)
def remove(nova: Nova, ctx: Context, flavor_id: str) -> None:
    with nova.db.writing() as session:
        flavors.remove(session, flavor_id)


# --- Extra specs ---------------------------------------------------------------------------

SPECS = "/flavors/<flavor_id>/os-extra_specs"
_SPECS = {
    "type": "object", "additionalProperties": False, "propertyNames": {"maxLength": 255},
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]+$": {
        "type": ["string", "number", "boolean"], "maxLength": 255}},
}


@api.get(SPECS, policy="os_compute_api:os-flavor-extra-specs:index")
def specs(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    with nova.db.reading() as session:
        return {"extra_specs": flavors.find(session, ctx, flavor_id).extra_specs}


@api.post(SPECS, policy="os_compute_api:os-flavor-extra-specs:create",
          body=wrapped("extra_specs", _SPECS))
def add_specs(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    given = {key: str(value) for key, value in body["extra_specs"].items()}
    with nova.db.writing() as session:
        flavors.set_specs(flavors.find(session, ctx, flavor_id), given)
    return {"extra_specs": given}


@api.get(SPECS + "/<key>", policy="os_compute_api:os-flavor-extra-specs:show")
def spec(nova: Nova, ctx: Context, flavor_id: str, key: str) -> Document:
    with nova.db.reading() as session:
        have = flavors.find(session, ctx, flavor_id).extra_specs
    if key not in have:
        raise ExtraSpecNotFound("extra spec", key, flavor=flavor_id)
    return {key: have[key]}


@api.put(SPECS + "/<key>", policy="os_compute_api:os-flavor-extra-specs:update",
         body={**_SPECS, "minProperties": 1, "maxProperties": 1})
def put_spec(nova: Nova, ctx: Context, flavor_id: str, key: str, body: Document) -> Document:
    if key not in body:
        raise Invalid(reason="Request body and URI mismatch")
    given = {key: str(body[key])}
    with nova.db.writing() as session:
        flavors.set_specs(flavors.find(session, ctx, flavor_id), given)
    return given


@api.delete(SPECS + "/<key>", policy="os_compute_api:os-flavor-extra-specs:delete")
def delete_spec(nova: Nova, ctx: Context, flavor_id: str, key: str) -> None:
    with nova.db.writing() as session:
        flavors.drop_spec(flavors.find(session, ctx, flavor_id), key)


# --- Access --------------------------------------------------------------------------------


@api.get("/flavors/<flavor_id>/os-flavor-access", policy="os_compute_api:os-flavor-access")
def access(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    with nova.db.reading() as session:
        flavor = flavors.find(session, ctx, flavor_id)
        if flavor.is_public:
            raise NotFound("Access list of public flavor", flavor_id)
        return _access(flavor_id, flavors.accesses(session, flavor_id))


def _access(flavor_id: str, projects: list[str]) -> Document:
    return {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": project}
                              for project in projects]}


_TENANT = closed(["tenant"], tenant={"type": "string", "minLength": 1, "maxLength": 255})


@api.post("/flavors/<flavor_id>/action", action="addTenantAccess",
          policy="os_compute_api:os-flavor-access:add_tenant_access",
          body=wrapped("addTenantAccess", _TENANT))
def add_access(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    with nova.db.writing() as session:
        flavor = flavors.find(session, ctx, flavor_id)
        if flavor.is_public and ctx.version >= (2, 7):
            raise Conflict(reason="Can not add access to a public flavor.")
        flavors.grant(session, flavor, body["addTenantAccess"]["tenant"])
        return _access(flavor_id, flavors.accesses(session, flavor_id))


@api.post("/flavors/<flavor_id>/action", action="removeTenantAccess",
          policy="os_compute_api:os-flavor-access:remove_tenant_access",
          body=wrapped("removeTenantAccess", _TENANT))
def remove_access(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    with nova.db.writing() as session:
        flavor = flavors.find(session, ctx, flavor_id)
        flavors.revoke(session, flavor, body["removeTenantAccess"]["tenant"])
        return _access(flavor_id, flavors.accesses(session, flavor_id))


