"""/: which versions placement speaks."""

from dataclasses import dataclass

from cairn.common.api import PUBLIC, Api, Document, Version
from cairn.common.context import Context
from cairn.common.errors import Invalid, Problem
from cairn.common.microversions import Microversions, text
from cairn.placement.component import Placement
from cairn.placement.errors import VersionNotAcceptable
from cairn.placement.policy import RULES

api = Api(RULES)


@dataclass(frozen=True)
class Versions(Microversions):
    """Microversions as placement words them."""

    def announce(self, version: Version) -> dict[str, str]:
        return super().announce(version) | {"Vary": "openstack-api-version"}

    def _malformed(self, asked: str) -> Problem:
        if asked.startswith("0."):
            return self._unsupported(asked)
        return Invalid(reason=f"invalid version string: {asked}")

    def _unsupported(self, asked: str) -> Problem:
        return VersionNotAcceptable(asked=asked, lowest=text(self.minimum),
                                    highest=text(self.maximum))


MICROVERSIONS = Versions("placement", (1, 0), (1, 39))


@api.get("/", policy=PUBLIC)
def index(placement: Placement, ctx: Context) -> Document:
    """Show the microversions that placement speaks; no token is needed."""
    return {"versions": [{
        "id": "v1.0", "status": "CURRENT",
        "min_version": text(MICROVERSIONS.minimum), "max_version": text(MICROVERSIONS.maximum),
        "links": [{"rel": "self", "href": ""}],
    }]}
