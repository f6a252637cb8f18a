"""/resource_providers/{uuid}/aggregates"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.placement.api.schemas import AGGREGATES_1_1, AGGREGATES_1_19
from cairn.placement.component import Placement
from cairn.placement.core import providers
from cairn.placement.core.queries import dashed
from cairn.placement.policy import RULES

api = Api(RULES)
BASE = "/resource_providers/<uuid>/aggregates"


def _view(ctx: Context, generation: int, uuids: list[str]) -> Document:
    document: Document = {"aggregates": uuids}
    if ctx.version >= (1, 19):
        document["resource_provider_generation"] = generation
    return document


@api.get(BASE, policy="placement:resource_providers:aggregates:list", since="1.1")
def index(placement: Placement, ctx: Context, uuid: str) -> Document:
    """List a provider's aggregates: uuids that need not have been created anywhere."""
    return _view(ctx, *providers.list_aggregates(placement.db, uuid))


@api.put(BASE, policy="placement:resource_providers:aggregates:update", body=AGGREGATES_1_1,
         since="1.1", until="1.18", event="resource_provider.aggregates.update")
def replace(placement: Placement, ctx: Context, uuid: str, body: list[str]) -> Document:
    """Make these the provider's only aggregates, whatever its generation, which stays."""
    return _replace(placement, ctx, uuid, body, None)


@api.put(BASE, policy="placement:resource_providers:aggregates:update", body=AGGREGATES_1_19,
         since="1.19", event="resource_provider.aggregates.update")
def replace_checked(placement: Placement, ctx: Context, uuid: str, body: Document) -> Document:
    """Make these the provider's only aggregates, if its generation is the one given."""
    return _replace(placement, ctx, uuid, body["aggregates"],
                    body["resource_provider_generation"])


def _replace(
    placement: Placement, ctx: Context, uuid: str, aggregates: list[str], generation: int | None
) -> Document:
    uuids = list(dict.fromkeys(dashed(aggregate) for aggregate in aggregates))
    generation = providers.replace_aggregates(placement.db, ctx, uuid, uuids, generation)
    return _view(ctx, generation, uuids)
