"""/ and /v3: which versions keystone speaks, for anyone."""

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.keystone.api.views import root
from cairn.keystone.component import Keystone
from cairn.keystone.policy import RULES

api = Api(RULES)


def version() -> Document:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root()}/v3/"}],
        "media-types": [{
            "base": "application/json", "type": "application/vnd.openstack.identity-v3+json",
        }],
    }


@api.get("/", policy=PUBLIC)
def index(keystone: Keystone, ctx: Context) -> Reply:
    """List the versions of the API, with 300 and the address of v3."""
    return Reply({"versions": {"values": [version()]}}, 300, {"Location": f"{root()}/v3/"})


@api.get("/v3", policy=PUBLIC)
def show(keystone: Keystone, ctx: Context) -> Document:
    """Show the version that is spoken here."""
    return {"version": version()}
