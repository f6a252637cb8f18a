"""/usages: what a project, or one user of it, was promised in all."""

from typing import Any

from sqlalchemy import distinct, func, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.placement.api.schemas import USAGES_QUERY
from cairn.placement.component import Placement
from cairn.placement.db.models import Allocation, Consumer
from cairn.placement.policy import RULES

api = Api(RULES)


@api.get("/usages", policy="placement:usages", query=USAGES_QUERY, since="1.9", late=True)
def show(placement: Placement, ctx: Context, query: Any) -> Document:
    project = query["project_id"]
    placement.policy.enforce(ctx, "placement:usages", {"project_id": project})
    of = [Consumer.project_id == project]
    if "user_id" in query:
        of.append(Consumer.user_id == query["user_id"])
    kind = query.get("consumer_type")
    if kind and kind != "all":
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
    names = placement.names.classes
    if ctx.version < (1, 38):
        total: dict[str, int] = {}
        for _, class_id, used in rows:
            name = names.name(class_id)
            total[name] = total.get(name, 0) + int(used)
        return {"usages": total}
    by_type: dict[str, dict[str, int]] = {}
    for consumer_type, class_id, used in rows:
        group = "all" if kind == "all" else consumer_type
        entry = by_type.setdefault(group, {"consumer_count": 0})
        name = names.name(class_id)
        entry[name] = entry.get(name, 0) + int(used)
    for group, entry in by_type.items():
        entry["consumer_count"] = sum(numbers.values()) if group == "all" else numbers[group]
    return {"usages": by_type}
