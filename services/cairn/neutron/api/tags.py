"""/networks/<id>/tags, and the same for what else has labels"""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.api.schemas import TAGS_REPLACE
from cairn.neutron.api.views import read_revision
from cairn.neutron.component import Neutron
from cairn.neutron.core import (
    floatingips,
    networks,
    ports,
    routers,
    security_groups,
    subnetpools,
    subnets,
    tags,
)
from cairn.neutron.core.resources import Resource
from cairn.neutron.policy import RULES

LABELLED = {
    "networks": networks.RESOURCE, "subnets": subnets.RESOURCE, "ports": ports.RESOURCE,
    "routers": routers.RESOURCE, "subnetpools": subnetpools.RESOURCE,
    "floatingips": floatingips.RESOURCE, "security-groups": security_groups.RESOURCE,
}
LONGEST = 255


def _declare(collection: str, resource: Resource) -> Api:
    api = Api(RULES)
    kind = resource.kind
    rule = f"{kind.many}_tags"
    path = f"/{collection}/<resource_id>/tags"

    @api.get(path, policy=f"get_{rule}")
    def index(neutron: Neutron, ctx: Context, resource_id: str) -> Document:
        """List a resource's tags."""
        return {"tags": tags.list_tags(neutron, ctx, kind, resource_id)}

    @api.get(path + "/<tag>", policy=f"get_{rule}", status=204)
    def show(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> None:
        """Answer 204 if the resource has the tag, 404 if not."""
        if tag not in tags.list_tags(neutron, ctx, kind, resource_id):
            raise errors.TagNotFound(tag)

    @api.put(path, policy=f"update_{rule}", body=TAGS_REPLACE, event="tag.update")
    def replace(neutron: Neutron, ctx: Context, resource_id: str, body: Document) -> Document:
        """Give a resource exactly these tags, whatever it had."""
        return {"tags": tags.change_tags(
            neutron, ctx, resource, resource_id, "update", read_revision(),
            lambda held: body["tags"])}

    @api.put(path + "/<tag>", policy=f"create_{rule}", status=201, event="tag.create")
    def add(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> Reply:
        """Give a resource one more tag; one that it has already is no error."""
        if len(tag) > LONGEST:
            raise errors.BadAttribute(name="tag", reason=f"'{tag}' is longer than {LONGEST}.")
        tags.change_tags(neutron, ctx, resource, resource_id, "create", read_revision(),
                         lambda held: [*held, tag])
        return Reply(None, 201)

    @api.delete(path + "/<tag>", policy=f"delete_{rule}", status=204, event="tag.delete")
    def remove(neutron: Neutron, ctx: Context, resource_id: str, tag: str) -> None:
        """Take one tag from a resource; 404 if it has no such tag."""

        def without(held: list[str]) -> list[str]:
            if tag not in held:
                raise errors.TagNotFound(tag)
            return [t for t in held if t != tag]

        tags.change_tags(
            neutron, ctx, resource, resource_id, "delete", read_revision(), without)

    @api.delete(path, policy=f"delete_{rule}", status=204, event="tag.delete")
    def clear(neutron: Neutron, ctx: Context, resource_id: str) -> None:
        """Take all tags from a resource."""
        tags.change_tags(
            neutron, ctx, resource, resource_id, "delete", read_revision(), lambda held: [])

    return api


apis = [_declare(collection, resource) for collection, resource in LABELLED.items()]
