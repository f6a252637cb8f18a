"""/os-server-groups"""

from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.words import NAME, NUMBER, Query, closed, query, truth, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import groups, quotas
from cairn.nova.db.models import ServerGroup
from cairn.nova.policy import RULES

api = Api(RULES)

_HARD = ["anti-affinity", "affinity"]
_SOFT = [*_HARD, "soft-anti-affinity", "soft-affinity"]
_RULES = closed(max_server_per_host={"type": ["integer", "string"], "pattern": "^[1-9][0-9]*$",
                                     "minimum": 1})


def view(ctx: Context, group: ServerGroup, members: list[str]) -> Document:
    shown: Document = {"id": group.id, "name": group.name, "members": members}
    if ctx.version >= (2, 64):
        shown |= {"policy": group.policy, "rules": group.rules}
    else:
        shown |= {"policies": [group.policy], "metadata": {}}
    if ctx.version >= (2, 13):
        shown |= {"project_id": group.project_id, "user_id": group.user_id}
    return shown


@api.get("/os-server-groups", policy="os_compute_api:os-server-groups:index",
         query=query(limit=NUMBER, offset=NUMBER))
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    project: str | None = ctx.project
    if truth(query.get("all_projects"), "all_projects"):
        if nova.policy.allows(ctx, "os_compute_api:os-server-groups:index:all_projects"):
            project = None
    size = min(query.get("limit", nova.api.max_limit, type=int), nova.api.max_limit)
    with nova.db.reading() as session:
        found = groups.list_(session, project, size, query.get("offset", 0, type=int))
        members = groups.members(session, [group.id for group in found])
    return {"server_groups": [view(ctx, group, members[group.id]) for group in found]}


@api.get("/os-server-groups/<group_id>", policy="os_compute_api:os-server-groups:show")
def show(nova: Nova, ctx: Context, group_id: str) -> Document:
    with nova.db.reading() as session:
        group = groups.find(session, ctx, group_id)
        members = groups.members(session, [group.id])
    return {"server_group": view(ctx, group, members[group.id])}


def create(nova: Nova, ctx: Context, body: Document) -> Document:
    asked = body["server_group"]
    policy = asked["policy"] if ctx.version >= (2, 64) else asked["policies"][0]
    rules = {key: int(value) for key, value in asked.get("rules", {}).items()}
    if rules and policy != "anti-affinity":
        raise Invalid(reason="rules: only an anti-affinity group has any.")

    def record(session: Session) -> ServerGroup:
        allowed = quotas.limits(session, ctx.project, nova.quota)["server_groups"]
        return groups.create(session, ctx, asked["name"], policy, rules, allowed)

    return {"server_group": view(ctx, nova.db.write(record), [])}


def _policies(names: list[str]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": 1, "items": {"enum": names}}


for _since, _until, _schema in (
    ("2.1", "2.14", closed(["name", "policies"], name=NAME, policies=_policies(_HARD))),
    ("2.15", "2.63", closed(["name", "policies"], name=NAME, policies=_policies(_SOFT))),
    ("2.64", None, closed(["name", "policy"], name=NAME, policy={"enum": _SOFT}, rules=_RULES)),
):
    api.post("/os-server-groups", policy="os_compute_api:os-server-groups:create",
             body=wrapped("server_group", _schema), since=_since, until=_until)(create)


@api.delete("/os-server-groups/<group_id>", policy="os_compute_api:os-server-groups:delete",
            status=204)
def remove(nova: Nova, ctx: Context, group_id: str) -> None:
    with nova.db.writing() as session:
        groups.remove(session, groups.find(session, ctx, group_id))
