"""Which versions there are."""

from cairn.common.api import PUBLIC, Api, Document, Version
from cairn.common.context import Context
from cairn.common.microversions import Headers, Microversions, text
from cairn.nova.api.views import base
from cairn.nova.component import Nova
from cairn.nova.policy import RULES

MICROVERSIONS = Microversions("compute", (2, 1), (2, 104), "X-OpenStack-Nova-API-Version")


class Legacy(Microversions):
    """/v2 is the same API at its first microversion, and knows of no others."""

    def negotiate(self, headers: Headers) -> Version:
        return self.minimum

    def announce(self, version: Version) -> dict[str, str]:
        return {}


LEGACY = Legacy("compute", (2, 1), (2, 1))

root = Api(RULES)
current = Api(RULES)
legacy = Api(RULES)


def document() -> Document:
    return {
        "id": "v2.1", "status": "CURRENT", "version": text(MICROVERSIONS.maximum),
        "min_version": text(MICROVERSIONS.minimum), "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base()}/v2.1/"}],
    }


def old() -> Document:
    return {
        "id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "",
        "updated": "2011-01-21T11:33:21Z", "links": [{"rel": "self", "href": f"{base()}/v2/"}],
    }


@root.get("/", policy=PUBLIC)
def versions(nova: Nova, ctx: Context) -> Document:
    """List the API's versions."""
    return {"versions": [old(), document()]}


@current.get("", policy=PUBLIC)
def version(nova: Nova, ctx: Context) -> Document:
    """Say which microversions there are."""
    return _described(document())


@legacy.get("", policy=PUBLIC)
def old_version(nova: Nova, ctx: Context) -> Document:
    """Describe the version without microversions, which is the first of the others."""
    return _described(old())


def _described(shown: Document) -> Document:
    shown["links"].append({"rel": "describedby", "type": "text/html",
                           "href": "https://docs.openstack.org/"})
    shown["media-types"] = [{"base": "application/json",
                             "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return {"version": shown}
