"""/ and /versions: which versions glance speaks."""

import flask

from cairn.common.api import PUBLIC, Api, Document
from cairn.common.context import Context
from cairn.glance.component import Glance
from cairn.glance.policy import RULES

root = Api(RULES)
CURRENT = "v2.17"
# With several stores and the cache, which are always there, no version is left out.
SUPPORTED = [f"v2.{minor}" for minor in range(16, -1, -1)]


def _versions() -> Document:
    href = f"{flask.request.url_root.rstrip('/')}/v2/"
    return {"versions": [
        {"id": id_, "status": "CURRENT" if id_ == CURRENT else "SUPPORTED",
         "links": [{"rel": "self", "href": href}]} for id_ in (CURRENT, *SUPPORTED)]}


@root.get("/", policy=PUBLIC, status=300)
def choices(glance: Glance, ctx: Context) -> Document:
    """Show the versions of the API, with the code 300 that old clients expect."""
    return _versions()


@root.get("/versions", policy=PUBLIC)
def versions(glance: Glance, ctx: Context) -> Document:
    """Show the versions of the API; no token is needed."""
    return _versions()
