"""/reshaper"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.placement.api.allocations import claim_of
from cairn.placement.api.schemas import (
    ALLOCATIONS_1_28,
    ALLOCATIONS_1_34,
    ALLOCATIONS_1_38,
    reshape,
)
from cairn.placement.component import Placement
from cairn.placement.core import inventories
from cairn.placement.core import reshape as core
from cairn.placement.policy import RULES

api = Api(RULES)
POLICY = "placement:reshaper:reshape"


@api.post("/reshaper", policy=POLICY, status=204, body=reshape(ALLOCATIONS_1_28), since="1.30",
          until="1.33", event="inventory.update")
@api.post("/reshaper", policy=POLICY, status=204, body=reshape(ALLOCATIONS_1_34), since="1.34",
          until="1.37", event="inventory.update")
@api.post("/reshaper", policy=POLICY, status=204, body=reshape(ALLOCATIONS_1_38), since="1.38",
          event="inventory.update")
def create(placement: Placement, ctx: Context, body: Document) -> None:
    """Replace inventories and allocations at once: so resources move between providers."""
    by_provider = {
        uuid: (entry["resource_provider_generation"],
               {name: inventories.complete(one) for name, one in entry["inventories"].items()})
        for uuid, entry in body["inventories"].items()
    }
    claims = [claim_of(ctx, consumer, entry) for consumer, entry in body["allocations"].items()]
    core.write(placement.db, ctx, placement.names, by_provider, claims)
