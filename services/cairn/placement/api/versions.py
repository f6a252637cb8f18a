"""/: which versions placement speaks."""

from cairn.common.api import PUBLIC, Api, Document
from cairn.common.context import Context
from cairn.common.microversions import Microversions, text
from cairn.placement.component import Placement
from cairn.placement.policy import RULES

api = Api(RULES)
MICROVERSIONS = Microversions("placement", (1, 0), (1, 39))


@api.get("/", policy=PUBLIC)
def index(placement: Placement, ctx: Context) -> Document:
    return {"versions": [{
        "id": "v1.0", "status": "CURRENT",
        "min_version": text(MICROVERSIONS.minimum), "max_version": text(MICROVERSIONS.maximum),
        "links": [{"rel": "self", "href": ""}],
    }]}
