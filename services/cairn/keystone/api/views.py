"""How keystone's documents look: links, references, and pages of them."""

from collections.abc import Callable, Iterable
from typing import Any

import flask

from cairn.common.api import Document
from cairn.common.listing import Part, build_link


def root() -> str:
    """Where the client found us, without the version."""
    return flask.request.root_url.rstrip("/")


def header(name: str) -> str:
    """Of the request, "" if it has none of that name."""
    return flask.request.headers.get(name, "")


def link(path: str) -> str:
    return f"{root()}/v3/{path}"


def add_link(document: Document, path: str) -> Document:
    """With its own address, under `path`."""
    return {**document, "links": {"self": link(f"{path}/{document['id']}")}}


def collection(
    name: str, documents: Iterable[Document], following: str | None = None, **more: Any
) -> Document:
    """A list of them; `previous` is never anything, as upstream has it."""
    here = flask.request.base_url
    query = flask.request.query_string.decode()
    links = {"self": f"{here}?{query}" if query else here, "previous": None, "next": following}
    return {name: list(documents), "links": links, **more}


def page(name: str, part: Part, view: Callable[[Any], Document]) -> Document:
    """A page of a list, with the address of the next one where there is one."""
    if not part.more:
        return collection(name, map(view, part.rows))
    return collection(name, map(view, part.rows), link_to_next(part.rows[-1].id), truncated=True)


def link_to_next(marker: str) -> str:
    """The address of the page that follows the row `marker`."""
    return build_link(flask.request.base_url, flask.request.args, marker=marker)
