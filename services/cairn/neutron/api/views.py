"""What all collections share: one resource, many, and links to the pages around."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import flask

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import build_link
from cairn.neutron.api.schemas import read_requests
from cairn.neutron.component import Neutron
from cairn.neutron.core import resources
from cairn.neutron.core.listing import Listing, Query, read_listing
from cairn.neutron.core.resources import Item, Resource

# The document of a row, and of what is related to it.
View = Callable[[Any, Any], Document]


def index(
    neutron: Neutron, ctx: Context, resource: Resource, view: View, query: Query,
    request: flask.Request,
) -> Document:
    """One page of what the caller sees."""
    listing = read_listing(resource.kind, query)
    items, more = resources.list_items(neutron, ctx, resource, listing)
    many = resource.kind.many
    body: Document = {many: [choose(show(item, view), query.getlist("fields")) for item in items]}
    if links := build_links(listing, items, more, query, request.base_url):
        body[f"{many}_links"] = links
    return body


def show_one(
    neutron: Neutron, ctx: Context, resource: Resource, view: View, id: str, query: Query
) -> Document:
    item = resources.find_item(neutron, ctx, resource, id)
    return {resource.kind.name: choose(show(item, view), query.getlist("fields"))}


def create(
    neutron: Neutron, ctx: Context, resource: Resource, view: View, body: Document
) -> Document:
    """One thing or several."""
    kind = resource.kind
    items = resources.create_items(
        neutron, ctx, resource, read_requests(body, kind.name, kind.many))
    documents = [show(item, view) for item in items]
    return {kind.many: documents} if kind.many in body else {kind.name: documents[0]}


def change(
    neutron: Neutron, ctx: Context, resource: Resource, view: View, id: str, body: Document
) -> Document:
    request, = read_requests(body, resource.kind.name)
    item = resources.change_item(neutron, ctx, resource, id, request, read_revision())
    return {resource.kind.name: show(item, view)}


def delete(neutron: Neutron, ctx: Context, resource: Resource, id: str) -> None:
    resources.delete_item(neutron, ctx, resource, id, read_revision())


def show(item: Item, view: View) -> Document:
    """The document without the attributes that are not for this caller."""
    document = view(item.row, item.related)
    for name in item.hidden:
        document.pop(name, None)
    return document


def choose(document: Document, fields: Sequence[str]) -> Document:
    """Those of the document's attributes that were asked for; all where none were."""
    if not fields:
        return document
    return {name: document[name] for name in fields if name in document}


def read_revision() -> int | None:
    """What If-Match holds the resource's revision against. Raises Invalid."""
    text = flask.request.headers.get("If-Match")
    if text is None:
        return None
    match = re.fullmatch(r"\s*revision_number=([0-9]{1,18})\s*", text)
    if match is None:
        raise Invalid(reason="If-Match: only revision_number=N is understood, and N is an integer")
    return int(match[1])


def build_links(
    listing: Listing, items: Sequence[Item], more: bool, query: Query, url: str
) -> list[Document]:
    """To the pages around this one. Backwards there is a link from every page, as upstream has it,
    but for the first one read backwards."""
    page = listing.page
    if not page.limit or not items:
        return []
    links = []
    if more or page.reverse:
        links.append({"rel": "next", "href": build_link(url, query, marker=items[-1].row.id)})
    if more or not page.reverse:
        links.append({"rel": "previous", "href": build_link(
            url, query, marker=items[0].row.id, page_reverse="True")})
    return links


def moment(when: Any) -> str | None:
    return f"{when:%Y-%m-%dT%H:%M:%S}Z" if when is not None else None


def standard(row: Any) -> Document:
    """What the views of all resources have."""
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "project_id": row.project_id, "tenant_id": row.project_id, "tags": row.tags,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at or row.created_at),
        "revision_number": row.revision,
    }
