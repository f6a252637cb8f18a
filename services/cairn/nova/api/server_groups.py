"""/os-server-groups"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import (
    INTEGER,
    NAME,
    NUMBER,
    TEXT,
    Query,
    closed,
    queries,
    read_limit,
    wrapped,
)
from cairn.nova.component import Nova
from cairn.nova.core import groups
from cairn.nova.core.groups import GroupState
from cairn.nova.policy import RULES

api = Api(RULES)

_HARD = ["anti-affinity", "affinity"]
_SOFT = [*_HARD, "soft-anti-affinity", "soft-affinity"]
_RULES = closed(max_server_per_host={"type": ["integer", "string"], "pattern": "^[1-9][0-9]*$",
                                     "minimum": 1, "maximum": INTEGER})


def view(ctx: Context, state: GroupState) -> Document:
    group = state.group
    shown: Document = {"id": group.id, "name": group.name, "members": state.members}
    if ctx.version >= (2, 64):
        shown |= {"policy": group.policy, "rules": group.rules}
    else:
        shown |= {"policies": [group.policy], "metadata": {}}
    if ctx.version >= (2, 13):
        shown |= {"project_id": group.project_id, "user_id": group.user_id}
    return shown


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's server groups with the servers in them; admins may list everybody's."""
    project: str | None = ctx.project
    # That it is said is enough, whatever its value.
    if "all_projects" in query:
        if nova.policy.allows(ctx, "os_compute_api:os-server-groups:index:all_projects"):
            project = None
    offset = int(read_value(query, "offset") or 0)
    listed = groups.list_groups(nova, project, read_limit(nova, query), offset)
    return {"server_groups": [view(ctx, state) for state in listed]}


for _since, _until, _schema in queries(
        {(2, 1): {"limit": NUMBER, "offset": NUMBER, "all_projects": TEXT}}):
    api.get("/os-server-groups", policy="os_compute_api:os-server-groups:index", query=_schema,
            since=_since, until=_until)(index)


@api.get("/os-server-groups/<group_id>", policy="os_compute_api:os-server-groups:show")
def show(nova: Nova, ctx: Context, group_id: str) -> Document:
    """Show one server group with the servers in it."""
    return {"server_group": view(ctx, groups.get(nova, ctx, group_id))}


def create(nova: Nova, ctx: Context, body: Document) -> Document:
    """Make a server group; servers join it only when they are created, by a scheduler hint."""
    request = body["server_group"]
    policy = request["policy"] if ctx.version >= (2, 64) else request["policies"][0]
    rules = {key: int(value) for key, value in request.get("rules", {}).items()}
    if rules and policy != "anti-affinity":
        raise Invalid(reason="rules: only an anti-affinity group has any.")
    made = groups.create(nova, ctx, request["name"], policy, rules)
    return {"server_group": view(ctx, made)}


def _policies(names: list[str]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": 1, "items": {"enum": names}}


for _since, _until, _schema in (
    ("2.1", "2.14", closed(["name", "policies"], name=NAME, policies=_policies(_HARD))),
    ("2.15", "2.63", closed(["name", "policies"], name=NAME, policies=_policies(_SOFT))),
    ("2.64", None, closed(["name", "policy"], name=NAME, policy={"enum": _SOFT}, rules=_RULES)),
):
    api.post("/os-server-groups", policy="os_compute_api:os-server-groups:create",
             body=wrapped("server_group", _schema), since=_since, until=_until,
             event="server_group.create")(create)


@api.delete("/os-server-groups/<group_id>", policy="os_compute_api:os-server-groups:delete",
            status=204, event="server_group.delete")
def remove(nova: Nova, ctx: Context, group_id: str) -> None:
    """Delete a server group; its servers stay as they are."""
    groups.remove(nova, ctx, group_id)
