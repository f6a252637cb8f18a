"""/allocations and /resource_providers/{uuid}/allocations"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.placement.api.schemas import (
    ALLOCATIONS_1_0,
    ALLOCATIONS_1_8,
    ALLOCATIONS_1_12,
    ALLOCATIONS_1_28,
    ALLOCATIONS_1_34,
    ALLOCATIONS_1_38,
    ALLOCATIONS_POST_1_13,
    many,
)
from cairn.placement.component import Placement
from cairn.placement.core import allocations
from cairn.placement.core.allocations import ANY, Claim
from cairn.placement.core.queries import dashed, is_uuid
from cairn.placement.policy import RULES

api = Api(RULES)
# Whose the allocations are that came before projects and users did.
NOBODY = "00000000-0000-0000-0000-000000000000"


@api.get("/resource_providers/<uuid>/allocations",
         policy="placement:resource_providers:allocations:list")
def of_provider(placement: Placement, ctx: Context, uuid: str) -> Document:
    """List what consumers hold of a provider, by consumer."""
    generation, by_consumer = allocations.list_of_provider(placement.db, placement.names, uuid)
    if ctx.version < (1, 28):
        for entry in by_consumer.values():
            del entry["consumer_generation"]
    return {"allocations": by_consumer, "resource_provider_generation": generation}


@api.get("/allocations/<consumer>", policy="placement:allocations:list")
def show(placement: Placement, ctx: Context, consumer: str) -> Document:
    """Show what a consumer holds, by provider; of one nobody knows that is nothing, not 404."""
    by_provider, holder = allocations.show_consumer(placement.db, placement.names, consumer)
    document: Document = {"allocations": by_provider}
    if holder is not None:
        if ctx.version >= (1, 12):
            document |= {"project_id": holder.project_id, "user_id": holder.user_id}
        if ctx.version >= (1, 28):
            document["consumer_generation"] = holder.generation
        if ctx.version >= (1, 38):
            document["consumer_type"] = holder.type
    return document


def claim_of(ctx: Context, consumer: str, body: Document) -> Claim:
    given: Any = body["allocations"]
    if isinstance(given, list):
        resources = {e["resource_provider"]["uuid"]: e["resources"] for e in given}
    else:
        resources = {uuid: entry["resources"] for uuid, entry in given.items()}
    generation = body["consumer_generation"] if ctx.version >= (1, 28) else ANY
    # 1.0 is an integer to a schema.
    amounts = {_uuid(uuid): {name: int(amount) for name, amount in by_class.items()}
               for uuid, by_class in resources.items()}
    return Claim(_uuid(consumer), amounts, body.get("project_id", NOBODY),
                 body.get("user_id", NOBODY), body.get("consumer_type"), generation)


def _uuid(text: str) -> str:
    if not is_uuid(text):
        raise Invalid(reason=f"Malformed consumer_uuid or resource provider uuid: {text}")
    return dashed(text)


@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_0, until="1.7", event="allocation.update")
@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_8, since="1.8", until="1.11", event="allocation.update")
@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_12, since="1.12", until="1.27", event="allocation.update")
@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_28, since="1.28", until="1.33", event="allocation.update")
@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_34, since="1.34", until="1.37", event="allocation.update")
@api.put("/allocations/<consumer>", policy="placement:allocations:update", status=204,
         body=ALLOCATIONS_1_38, since="1.38", event="allocation.update")
def replace(placement: Placement, ctx: Context, consumer: str, body: Document) -> None:
    """Give a consumer these resources instead of all that it holds, or change nothing."""
    allocations.replace_allocations(
        placement.db, ctx, placement.names, [claim_of(ctx, consumer, body)])


@api.post("/allocations", policy="placement:allocations:manage", status=204,
          body=ALLOCATIONS_POST_1_13, since="1.13", until="1.27", event="allocation.update")
@api.post("/allocations", policy="placement:allocations:manage", status=204,
          body=many(ALLOCATIONS_1_28), since="1.28", until="1.33", event="allocation.update")
@api.post("/allocations", policy="placement:allocations:manage", status=204,
          body=many(ALLOCATIONS_1_34), since="1.34", until="1.37", event="allocation.update")
@api.post("/allocations", policy="placement:allocations:manage", status=204,
          body=many(ALLOCATIONS_1_38), since="1.38", event="allocation.update")
def replace_many(placement: Placement, ctx: Context, body: Document) -> None:
    """Give several consumers these resources instead of all that they hold, or change nothing."""
    allocations.replace_allocations(placement.db, ctx, placement.names, [
        claim_of(ctx, consumer, entry) for consumer, entry in body.items()])


@api.delete("/allocations/<consumer>", policy="placement:allocations:delete", status=204,
            event="allocation.delete")
def delete(placement: Placement, ctx: Context, consumer: str) -> None:
    """Take everything from a consumer, which is forgotten with it."""
    allocations.delete_allocations(placement.db, ctx, placement.names, consumer)
