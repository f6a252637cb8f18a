"""/v2/info/stores, /v2/info/usage and /v2/stores: where images can be kept, and how much."""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.glance.component import Glance
from cairn.glance.core import sources, usage
from cairn.glance.policy import RULES

api = Api(RULES)


def _stores(glance: Glance, detail: bool) -> list[Document]:
    documents = []
    for store in glance.stores:
        entry: Document = {"id": store.name}
        if store.name == glance.stores.default:
            entry["default"] = "true"
        if store.read_only:
            entry["read-only"] = "true"
        weight = glance.stores.weight(store.name)
        if detail or weight:
            entry["weight"] = weight
        if detail:
            entry |= {"type": store.kind, "properties": store.properties()}
        documents.append(entry)
    return documents


@api.get("/info/stores", policy=ANYONE)
def index(glance: Glance, ctx: Context) -> Document:
    """List the stores that images can be kept in, and which of them is the default."""
    return {"stores": _stores(glance, False)}


@api.get("/info/stores/detail", policy="stores_info_detail")
def detail(glance: Glance, ctx: Context) -> Document:
    """List the stores with their kinds and how they are set up."""
    return {"stores": _stores(glance, True)}


@api.get("/info/usage", policy=ANYONE)
def show_usage(glance: Glance, ctx: Context) -> Document:
    """Show the project's use and limits; empty where limits are not kept in keystone."""
    return {"usage": usage.report(glance, ctx)}


@api.delete("/stores/<store>/<image_id>", policy="delete_image_location", status=204, late=True,
            event="image.update")
def delete(glance: Glance, ctx: Context, store: str, image_id: str) -> None:
    """Remove an image's bytes from one store; the last ones go with the image only."""
    sources.remove_from_store(glance, ctx, image_id, store)
