"""/: which versions placement speaks."""

from dataclasses import dataclass

from cairn.common.api import PUBLIC, Api, Document, Version, parse_version
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.microversions import Headers, Microversions, text
from cairn.placement.component import Placement
from cairn.placement.errors import VersionNotAcceptable
from cairn.placement.policy import RULES

api = Api(RULES)


@dataclass(frozen=True)
class Versions(Microversions):
    """Microversions as placement words them."""

    def negotiate(self, headers: Headers) -> Version:
        asked = self._asked(headers)
        if asked is None:
            return self.minimum
        if asked == "latest":
            return self.maximum
        try:
            version = parse_version(asked)
        except ValueError:
            if asked.startswith("0."):
                raise self._refused(asked) from None
            raise Invalid(reason=f"invalid version string: {asked}") from None
        if not self.minimum <= version <= self.maximum:
            raise self._refused(asked)
        return version

    def announce(self, version: Version) -> dict[str, str]:
        return super().announce(version) | {"Vary": "openstack-api-version"}

    def _refused(self, asked: str) -> VersionNotAcceptable:
        return VersionNotAcceptable(asked=asked, lowest=text(self.minimum),
                                    highest=text(self.maximum))


MICROVERSIONS = Versions("placement", (1, 0), (1, 39))


@api.get("/", policy=PUBLIC)
def index(placement: Placement, ctx: Context) -> Document:
    return {"versions": [{
        "id": "v1.0", "status": "CURRENT",
        "min_version": text(MICROVERSIONS.minimum), "max_version": text(MICROVERSIONS.maximum),
        "links": [{"rel": "self", "href": ""}],
    }]}
