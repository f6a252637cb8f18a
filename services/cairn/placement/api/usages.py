"""/usages: what a project, or one user of it, was promised in all."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.placement.api.schemas import USAGES_QUERY_1_9, USAGES_QUERY_1_38
from cairn.placement.component import Placement
from cairn.placement.core import usages
from cairn.placement.policy import RULES

api = Api(RULES)
ALL = "all"


@api.get("/usages", policy="placement:usages", query=USAGES_QUERY_1_9, since="1.9", until="1.37",
         late=True)
def show(placement: Placement, ctx: Context, query: Any) -> Document:
    """Show what all consumers of a project, or of one of its users, hold in sum."""
    total: dict[str, int] = {}
    for _, name, used, _ in _sums(placement, ctx, query):
        total[name] = total.get(name, 0) + used
    return {"usages": total}


@api.get("/usages", policy="placement:usages", query=USAGES_QUERY_1_38, since="1.38", late=True)
def show_by_type(placement: Placement, ctx: Context, query: Any) -> Document:
    """Show what a project's consumers hold in sum, by consumer type, and how many there are."""
    kind = query.get("consumer_type")
    by_type: dict[str, dict[str, int]] = {}
    counted = set()
    for consumer_type, name, used, consumers in _sums(placement, ctx, query):
        entry = by_type.setdefault(ALL if kind == ALL else consumer_type, {"consumer_count": 0})
        entry[name] = entry.get(name, 0) + used
        if consumer_type not in counted:
            entry["consumer_count"] += consumers
            counted.add(consumer_type)
    return {"usages": by_type}


def _sums(
    placement: Placement, ctx: Context, query: Any
) -> list[tuple[str, str, int, int]]:
    """(type, class, amount, number of consumers of the type) of what was asked for."""
    project, kind = query["project_id"], query.get("consumer_type", ALL)
    placement.policy.enforce(ctx, "placement:usages", {"project_id": project})
    return usages.sum_usages(placement.db, placement.names, project, query.get("user_id"),
                             None if kind == ALL else kind)
