"""/os-aggregates"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import NAME, UUID, closed, wrapped
from cairn.nova.api.views import micro
from cairn.nova.component import Nova
from cairn.nova.core import aggregates, precache
from cairn.nova.core.aggregates import AggregateState
from cairn.nova.policy import RULES

api = Api(RULES)

_ZONE = {"type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[^:]*$"}


def brief(ctx: Context, state: AggregateState) -> Document:
    aggregate = state.aggregate
    shown: Document = {
        "id": aggregate.number, "name": aggregate.name, "availability_zone": aggregate.zone,
        "created_at": micro(aggregate.created_at), "updated_at": micro(aggregate.updated_at),
        "deleted": False, "deleted_at": None,
    }
    if ctx.version >= (2, 41):
        shown["uuid"] = aggregate.id
    return shown


def view(ctx: Context, state: AggregateState) -> Document:
    zone = {"availability_zone": state.aggregate.zone} if state.aggregate.zone else {}
    return brief(ctx, state) | {"metadata": state.aggregate.meta | zone,
                                "hosts": list(state.hosts)}


@api.get("/os-aggregates", policy="os_compute_api:os-aggregates:index")
def index(nova: Nova, ctx: Context) -> Document:
    """List all aggregates with their hosts and metadata."""
    return {"aggregates": [view(ctx, state) for state in aggregates.list_aggregates(nova)]}


@api.post("/os-aggregates", policy="os_compute_api:os-aggregates:create",
          body=wrapped("aggregate", closed(["name"], name=NAME, availability_zone=_ZONE)),
          event="aggregate.create")
def create(nova: Nova, ctx: Context, body: Document) -> Document:
    """Make an aggregate without hosts; with a zone its hosts will be in that availability zone."""
    request = body["aggregate"]
    made = aggregates.create(nova, ctx, request["name"], request.get("availability_zone"))
    return {"aggregate": brief(ctx, made)}


@api.get("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:show")
def show(nova: Nova, ctx: Context, number: str) -> Document:
    """Show one aggregate, by its number, with its hosts and metadata."""
    return {"aggregate": view(ctx, aggregates.get(nova, number))}


@api.put("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:update",
         body=wrapped("aggregate", closed(name=NAME, availability_zone=_ZONE)
                      | {"minProperties": 1}), event="aggregate.update_prop")
def change(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    """Rename an aggregate, or put its hosts into another availability zone."""
    columns = {"name": "name", "availability_zone": "zone"}
    values = {columns[key]: value for key, value in body["aggregate"].items()}
    return {"aggregate": view(ctx, aggregates.change(nova, ctx, number, values))}


@api.delete("/os-aggregates/<number>", policy="os_compute_api:os-aggregates:delete",
            event="aggregate.delete")
def remove(nova: Nova, ctx: Context, number: str) -> None:
    """Delete an aggregate; one that still has hosts is refused."""
    aggregates.remove(nova, ctx, number)


@api.post("/os-aggregates/<number>/images", policy="compute:aggregates:images", since="2.81",
          body=closed(["cache"], cache={"type": "array", "minItems": 1,
                                        "items": closed(["id"], id=UUID)}),
          status=202, event="aggregate.cache_images")
def cache_images(nova: Nova, ctx: Context, number: str, body: Document) -> None:
    """Ask the hosts of an aggregate to fetch images before a server needs them, as far as they
    can."""
    precache.ask(nova, ctx, number, [image["id"] for image in body["cache"]])


_HOST = closed(["host"], host=NAME)
_ACTION = "/os-aggregates/<number>/action"


@api.post(_ACTION, action="add_host", policy="os_compute_api:os-aggregates:add_host",
          body=wrapped("add_host", _HOST), event="aggregate.add_host")
def add_host(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    """Add a compute host to an aggregate; a host is in one availability zone at most."""
    host = body["add_host"]["host"]
    return {"aggregate": view(ctx, aggregates.add_host(nova, ctx, number, host))}


@api.post(_ACTION, action="remove_host", policy="os_compute_api:os-aggregates:remove_host",
          body=wrapped("remove_host", _HOST), event="aggregate.remove_host")
def remove_host(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    """Take a host out of an aggregate."""
    host = body["remove_host"]["host"]
    return {"aggregate": view(ctx, aggregates.remove_host(nova, ctx, number, host))}


@api.post(_ACTION, action="set_metadata", policy="os_compute_api:os-aggregates:set_metadata",
          body=wrapped("set_metadata", closed(["metadata"], metadata={
              "type": "object", "additionalProperties": {"type": ["string", "null"]}})),
          event="aggregate.update_metadata")
def set_metadata(nova: Nova, ctx: Context, number: str, body: Document) -> Document:
    """Add or replace items of an aggregate's metadata; those that are null are taken away."""
    items = body["set_metadata"]["metadata"]
    return {"aggregate": view(ctx, aggregates.set_metadata(nova, ctx, number, items))}
