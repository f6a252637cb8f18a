"""Which versions there are."""

from cairn.cinder.api.views import base
from cairn.cinder.component import Cinder
from cairn.cinder.policy import RULES
from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.microversions import Microversions, text

MICROVERSIONS = Microversions("volume", (3, 0), (3, 71))

root = Api(RULES)
current = Api(RULES)


def document() -> Document:
    return {
        "id": "v3.0", "status": "CURRENT", "version": text(MICROVERSIONS.maximum),
        "min_version": text(MICROVERSIONS.minimum), "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "describedby", "type": "text/html",
                   "href": "https://docs.openstack.org/"},
                  {"rel": "self", "href": f"{base()}/v3/"}],
        "media-types": [{"base": "application/json",
                         "type": "application/vnd.openstack.volume+json;version=3"}],
    }


@root.get("/", policy=PUBLIC, status=300)
def versions(cinder: Cinder, ctx: Context) -> Reply:
    """List the API's versions."""
    return Reply({"versions": [document()]})


@current.get("", policy=PUBLIC)
def version(cinder: Cinder, ctx: Context) -> Document:
    """Say which microversions there are."""
    return {"versions": [document()]}
