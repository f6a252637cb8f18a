"""/v3/regions"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import add_link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import regions
from cairn.keystone.core.records import Region
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(region: Region) -> Document:
    return add_link({**region.extra, "id": region.id, "description": region.description,
                     "parent_region_id": region.parent_id}, "regions")


@api.post("/regions", policy="identity:create_region", body=schemas.REGION_CREATE, status=201,
          event="identity.region.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a region, with an id of the client's or a new one."""
    return {"region": view(regions.create(keystone, ctx, body["region"]))}


@api.put("/regions/<region_id>", policy="identity:create_region", body=schemas.REGION_CREATE,
         status=201, event="identity.region.created")
def put(keystone: Keystone, ctx: Context, region_id: str, body: Document) -> Document:
    """Create the region of this id; 409 if there is one."""
    request = body["region"]
    if request.get("id", region_id) != region_id:
        raise Invalid(reason=f"Conflicting region IDs specified: \"{region_id}\" != "
                             f"\"{request['id']}\"")
    return {"region": view(regions.create(keystone, ctx, {**request, "id": region_id}))}


@api.get("/regions", policy="identity:list_regions", query=regions.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the regions."""
    return page("regions", regions.list_page(keystone, query), view)


@api.get("/regions/<region_id>", policy="identity:get_region")
def show(keystone: Keystone, ctx: Context, region_id: str) -> Document:
    """Show a region."""
    return {"region": view(regions.get(keystone, region_id))}


@api.patch("/regions/<region_id>", policy="identity:update_region", body=schemas.REGION_UPDATE,
           event="identity.region.updated")
def update(keystone: Keystone, ctx: Context, region_id: str, body: Document) -> Document:
    """Change a region."""
    return {"region": view(regions.update(keystone, ctx, region_id, body["region"]))}


@api.delete("/regions/<region_id>", policy="identity:delete_region", status=204,
            event="identity.region.deleted")
def delete(keystone: Keystone, ctx: Context, region_id: str) -> None:
    """Delete a region and all below it; 403 while one has endpoints or registered limits."""
    regions.delete(keystone, ctx, region_id)
