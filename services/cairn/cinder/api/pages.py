"""The query strings of lists, and the links to their next pages."""

from typing import Any

import flask

from cairn.cinder.api.schemas import Query
from cairn.cinder.api.views import base, project
from cairn.common import listing
from cairn.common.api import Document
from cairn.common.listing import Part

ONE = {"type": "array", "items": {"type": "string"}}


def queries(*more: str, names: tuple[str, ...] = ("limit", "marker", "sort", "sort_key",
                                                  "sort_dir", "page_reverse")) -> dict[str, Any]:
    """A schema of query strings: those of pages, and these; what else is there is not looked at."""
    return {"type": "object", "additionalProperties": {"type": "array"},
            "properties": dict.fromkeys((*names, *more), ONE)}


def only(*names: str) -> dict[str, Any]:
    """The same of what is no list of pages."""
    return queries(names=names)


def following(name: str, path: str, query: Query, part: Part) -> Document:
    """The link to the next page under `name`; nothing where there is none. A page that is full has
    one, as upstream has it: the next may be empty."""
    limit = flask.request.args.get("limit")
    if not limit or not part.rows or not (part.more or len(part.rows) >= int(limit)):
        return {}
    link = listing.build_link(f"{base()}/v3{project()}/{path}", query, marker=part.rows[-1].id)
    return {name: [{"rel": "next", "href": link}]}
