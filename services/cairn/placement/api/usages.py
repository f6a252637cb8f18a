"""/usages: what a project, or one user of it, was promised in all."""

from typing import Any

from sqlalchemy import distinct, func, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.placement.api.schemas import USAGES_QUERY_1_9, USAGES_QUERY_1_38
from cairn.placement.component import Placement
from cairn.placement.db.models import Allocation, Consumer
from cairn.placement.policy import RULES

api = Api(RULES)
ALL = "all"


@api.get("/usages", policy="placement:usages", query=USAGES_QUERY_1_9, since="1.9", until="1.37",
         late=True)
def show(placement: Placement, ctx: Context, query: Any) -> Document:
    total: dict[str, int] = {}
    for _, name, used, _ in _sums(placement, ctx, query):
        total[name] = total.get(name, 0) + used
    return {"usages": total}


@api.get("/usages", policy="placement:usages", query=USAGES_QUERY_1_38, since="1.38", late=True)
def show_by_type(placement: Placement, ctx: Context, query: Any) -> Document:
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
    project = query["project_id"]
    placement.policy.enforce(ctx, "placement:usages", {"project_id": project})
    of = [Consumer.project_id == project]
    if "user_id" in query:
        of.append(Consumer.user_id == query["user_id"])
    kind = query.get("consumer_type", ALL)
    if kind != ALL:
        of.append(Consumer.type == kind)
    amounts = select(
        Consumer.type, Allocation.class_id, func.sum(Allocation.used)
    ).join(Allocation, Allocation.consumer == Consumer.uuid).where(*of).group_by(
        Consumer.type, Allocation.class_id)
    counts = select(Consumer.type, func.count(distinct(Consumer.uuid))).where(*of).group_by(
        Consumer.type)
    with placement.db.reading() as session:
        rows = session.execute(amounts).all()
        numbers = {row[0]: row[1] for row in session.execute(counts)}
    name = placement.names.classes.name
    return [(type_, name(class_id), int(used), numbers.get(type_, 0))
            for type_, class_id, used in rows]
