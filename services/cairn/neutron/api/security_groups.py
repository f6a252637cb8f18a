"""/security-groups and /security-group-rules"""

from typing import Any

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.neutron.api import views
from cairn.neutron.api.queries import ONE, listed
from cairn.neutron.api.schemas import (
    SECURITY_GROUP_CREATE,
    SECURITY_GROUP_RULE_CREATE,
    SECURITY_GROUP_UPDATE,
)
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import unscoped
from cairn.neutron.core.listing import Query
from cairn.neutron.core.security_groups import RESOURCE, RULE_RESOURCE, ensure_default
from cairn.neutron.policy import RULES

api = Api(RULES)


def rule_view(row: Any, related: None = None) -> Document:
    return {
        "id": row.id, "description": row.description, "project_id": row.project_id,
        "tenant_id": row.project_id, "security_group_id": row.security_group_id,
        "direction": row.direction, "ethertype": row.ethertype, "protocol": row.protocol,
        "port_range_min": row.port_range_min, "port_range_max": row.port_range_max,
        "remote_ip_prefix": row.remote_ip_prefix, "remote_group_id": row.remote_group_id,
        "remote_address_group_id": None, "normalized_cidr": row.normalized_cidr,
        "belongs_to_default_sg": None,
        "created_at": views.moment(row.created_at), "updated_at": views.moment(row.updated_at),
        "revision_number": row.revision,
    }


def view(row: Any, rules: list[Any]) -> Document:
    return {
        **views.standard(row), "stateful": row.stateful, "shared": False,
        "security_group_rules": [rule_view(rule) for rule in rules],
    }


def _project(ctx: Context, query: Query) -> str | None:
    """Whose groups are asked for."""
    asked = [*query.getlist("project_id"), *query.getlist("tenant_id")]
    return asked[0] if unscoped(ctx) and asked else ctx.project


@api.get("/security-groups", policy="get_security_group", query=listed(RESOURCE.kind), raw=True)
def index(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the project's security groups with their rules; there is always a default one."""
    ensure_default(neutron, ctx, _project(ctx, query))
    return views.index(neutron, ctx, RESOURCE, view, query, request)


@api.get("/security-groups/<security_group_id>", policy="get_security_group", query=ONE)
def show(neutron: Neutron, ctx: Context, security_group_id: str, query: Query) -> Document:
    """Show one security group with its rules."""
    return views.show_one(neutron, ctx, RESOURCE, view, security_group_id, query)


@api.post("/security-groups", policy="create_security_group", body=SECURITY_GROUP_CREATE,
          status=201, event="security_group.create")
def create(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Create one security group or several, with rules that let everything out."""
    return views.create(neutron, ctx, RESOURCE, view, body)


@api.put("/security-groups/<security_group_id>", policy="update_security_group",
         body=SECURITY_GROUP_UPDATE, event="security_group.update")
def change(neutron: Neutron, ctx: Context, security_group_id: str, body: Document) -> Document:
    """Change a security group; stateful cannot change while ports are in it."""
    return views.change(neutron, ctx, RESOURCE, view, security_group_id, body)


@api.delete("/security-groups/<security_group_id>", policy="delete_security_group", status=204,
            event="security_group.delete")
def delete(neutron: Neutron, ctx: Context, security_group_id: str) -> None:
    """Delete a security group; refused while ports are in it."""
    views.delete(neutron, ctx, RESOURCE, security_group_id)


@api.get("/security-group-rules", policy="get_security_group_rule",
         query=listed(RULE_RESOURCE.kind), raw=True)
def index_rules(neutron: Neutron, ctx: Context, query: Query, request: flask.Request) -> Document:
    """List the rules of the project's security groups, those of the default one among them."""
    ensure_default(neutron, ctx, _project(ctx, query))
    return views.index(neutron, ctx, RULE_RESOURCE, rule_view, query, request)


@api.get("/security-group-rules/<rule_id>", policy="get_security_group_rule", query=ONE)
def show_rule(neutron: Neutron, ctx: Context, rule_id: str, query: Query) -> Document:
    """Show one rule; normalized_cidr is its remote_ip_prefix without the bits of a host."""
    return views.show_one(neutron, ctx, RULE_RESOURCE, rule_view, rule_id, query)


@api.post("/security-group-rules", policy="create_security_group_rule",
          body=SECURITY_GROUP_RULE_CREATE, status=201, event="security_group_rule.create")
def create_rule(neutron: Neutron, ctx: Context, body: Document) -> Document:
    """Add one rule to a security group, or several to one group; refused if it is there."""
    return views.create(neutron, ctx, RULE_RESOURCE, rule_view, body)


@api.delete("/security-group-rules/<rule_id>", policy="delete_security_group_rule", status=204,
            event="security_group_rule.delete")
def delete_rule(neutron: Neutron, ctx: Context, rule_id: str) -> None:
    """Delete a rule: what it let through is let through no longer."""
    views.delete(neutron, ctx, RULE_RESOURCE, rule_id)
