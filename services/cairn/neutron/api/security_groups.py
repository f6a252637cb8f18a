"""/security-groups and /security-group-rules"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import common
from cairn.neutron.api.schemas import (
    QUERY,
    SECURITY_GROUP_CREATE,
    SECURITY_GROUP_RULE_CREATE,
    SECURITY_GROUP_UPDATE,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core import security_groups
from cairn.neutron.core.kinds import (
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    find,
    target,
    unscoped,
)
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

api = Api(RULES)


def rule_view(row: Any) -> Document:
    return {
        "id": row.id, "description": row.description, "project_id": row.project_id,
        "tenant_id": row.project_id, "security_group_id": row.security_group_id,
        "direction": row.direction, "ethertype": row.ethertype, "protocol": row.protocol,
        "port_range_min": row.port_range_min, "port_range_max": row.port_range_max,
        "remote_ip_prefix": row.remote_ip_prefix, "remote_group_id": row.remote_group_id,
        "remote_address_group_id": None,
        "normalized_cidr": security_groups.normalized_cidr(row.remote_ip_prefix),
        "belongs_to_default_sg": None,
        "created_at": common.moment(row.created_at), "updated_at": common.moment(row.updated_at),
        "revision_number": row.revision,
    }


rule_views = common.each(rule_view)


def views(session: Session, rows: Iterable[Any]) -> list[Document]:
    rows = list(rows)
    rules = security_groups.rules_of(session, [row.id for row in rows])
    return [{
        **common.standard(row), "stateful": row.stateful, "shared": False,
        "security_group_rules": [rule_view(rule) for rule in rules[row.id]],
    } for row in rows]


def about_rule(row: Any) -> dict[str, Any]:
    # A rule is its group's owner's.
    return target(row, **{"security_group:tenant_id": row.project_id})


def _with_default(neutron: Neutron, ctx: Context, query: Any) -> None:
    """A project has its default group by the time anybody looks."""
    project = ctx.project
    if unscoped(ctx):
        project = query.get("project_id") or query.get("tenant_id") or project
    if not project:
        return
    with neutron.db.reading() as session:
        if security_groups.has_default(session, project):
            return
    write(neutron, ctx, lambda w: security_groups.default(w, project))


@api.get("/security-groups", policy="get_security_group", query=QUERY, raw=True)
def index(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    _with_default(neutron, ctx, query)
    return common.index(neutron, ctx, SECURITY_GROUP, views, query, request)


@api.get("/security-groups/<security_group_id>", policy="get_security_group", query=QUERY)
def show(neutron: Neutron, ctx: Context, security_group_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, SECURITY_GROUP, security_group_id, views, query)


@api.post("/security-groups", policy="create_security_group", body=SECURITY_GROUP_CREATE,
          status=201)
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """With rules that let everything out."""

    def make(w: Write, item: dict[str, Any]) -> Any:
        common.may_create(neutron, ctx, SECURITY_GROUP, item)
        return find(w.session, ctx, SECURITY_GROUP, security_groups.create(w, item))

    return common.create(neutron, ctx, SECURITY_GROUP, body, make, views)


@api.put("/security-groups/<security_group_id>", policy="update_security_group",
         body=SECURITY_GROUP_UPDATE)
def change(neutron: Neutron, ctx: Context, security_group_id: str, body: Document) -> Document:
    return common.change(
        neutron, ctx, SECURITY_GROUP, security_group_id, body, security_groups.change, views
    )


@api.delete("/security-groups/<security_group_id>", policy="delete_security_group", status=204)
def delete(neutron: Neutron, ctx: Context, security_group_id: str) -> None:
    """Refused while ports are in it."""
    common.remove(neutron, ctx, SECURITY_GROUP, security_group_id, security_groups.delete)


@api.get("/security-group-rules", policy="get_security_group_rule", query=QUERY, raw=True)
def index_rules(neutron: Neutron, ctx: Context, query: Any, request: Any) -> Document:
    _with_default(neutron, ctx, query)
    return common.index(neutron, ctx, SECURITY_GROUP_RULE, rule_views, query, request, about_rule)


@api.get("/security-group-rules/<rule_id>", policy="get_security_group_rule", query=QUERY)
def show_rule(neutron: Neutron, ctx: Context, rule_id: str, query: Any) -> Document:
    return common.show(neutron, ctx, SECURITY_GROUP_RULE, rule_id, rule_views, query, about_rule)


@api.post("/security-group-rules", policy="create_security_group_rule",
          body=SECURITY_GROUP_RULE_CREATE, status=201)
def create_rule(neutron: Neutron, ctx: Context, body: Document) -> Document:
    def make(w: Write, item: dict[str, Any]) -> Any:
        group = find(w.session, ctx, SECURITY_GROUP, item["security_group_id"])
        item["project_id"] = group.project_id
        common.may_create(neutron, ctx, SECURITY_GROUP_RULE, item)
        return find(w.session, ctx, SECURITY_GROUP_RULE, security_groups.create_rule(w, item))

    return common.create(
        neutron, ctx, SECURITY_GROUP_RULE, body, make, rule_views, about_rule,
        together=security_groups.check_together,
    )


@api.delete("/security-group-rules/<rule_id>", policy="delete_security_group_rule", status=204)
def delete_rule(neutron: Neutron, ctx: Context, rule_id: str) -> None:
    common.remove(
        neutron, ctx, SECURITY_GROUP_RULE, rule_id, security_groups.delete_rule, about_rule
    )
