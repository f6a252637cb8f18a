"""How keystone's documents look: links, references, and pages of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import flask
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cairn.common.api import Document, Schema
from cairn.keystone.core import listing
from cairn.keystone.errors import NotKnown

# A list's query string: any; what is not a filter is not looked at, as upstream has it.
QUERY: Schema = {"type": "object"}


def root() -> str:
    """Where the client found us, without the version."""
    return flask.request.root_url.rstrip("/")


def header(name: str) -> str:
    """Of the request, "" if it has none of that name."""
    return flask.request.headers.get(name, "")


def link(path: str) -> str:
    return f"{root()}/v3/{path}"


def linked(document: Document, path: str) -> Document:
    return {**document, "links": {"self": link(f"{path}/{document['id']}")}}


def collection(
    name: str, documents: Iterable[Document], following: str | None = None, **more: Any
) -> Document:
    here = flask.request.base_url
    query = flask.request.query_string.decode()
    links = {"self": f"{here}?{query}" if query else here, "previous": None, "next": following}
    return {name: list(documents), "links": links, **more}


def listed(
    session: Session, name: str, query: Select[Any], asked: listing.Query,
    columns: Mapping[str, Any], key: Any, view: Callable[[Any], Document],
) -> Document:
    """The page of `query` that `asked` wants. Raises NotKnown for a marker of nothing."""
    marker = asked.get("marker")
    if marker and session.scalar(select(key).where(key == marker)) is None:
        raise NotKnown("marker", marker)
    query, limit = listing.page(listing.narrow(query, asked, columns), asked, key)
    rows = list(session.scalars(query))
    following, more = None, {}
    if limit is not None and len(rows) > limit:
        rows = rows[:limit]
        kept = {k: v for k, v in flask.request.args.items() if k != "marker"}
        following = f"{flask.request.base_url}?{urlencode({**kept, 'marker': rows[-1].id})}"
        more = {"truncated": True}
    return collection(name, map(view, rows), following, **more)
