"""Which version of an API a request speaks, as the API-SIG guideline and Nova's history have it."""

from dataclasses import dataclass
from typing import Any, Protocol

from cairn.common.api import Version, parse_version
from cairn.common.errors import Invalid, NotAcceptable, Problem


class Headers(Protocol):
    """A request's headers, whoever parsed them."""

    def get(self, key: str, default: str, /) -> Any: ...


@dataclass(frozen=True)
class Microversions:
    """A service's range. `legacy` is the header that came before OpenStack-API-Version."""

    service: str
    minimum: Version
    maximum: Version
    legacy: str = ""

    def negotiate(self, headers: Headers) -> Version:
        """The request's version: the minimum if it names none. Raises Invalid, NotAcceptable."""
        asked = self._asked(headers)
        if asked is None:
            return self.minimum
        if asked == "latest":
            return self.maximum
        try:
            version = parse_version(asked)
        except ValueError:
            raise self._malformed(asked) from None
        if not self.minimum <= version <= self.maximum:
            raise self._unsupported(asked)
        return version

    def _malformed(self, asked: str) -> Problem:
        return Invalid(reason=f"API Version String {asked} is of invalid format. Must be of format "
                              "MajorNum.MinorNum.")

    def _unsupported(self, asked: str) -> Problem:
        return NotAcceptable(
            reason=f"Version {asked} is not supported by the API. Minimum is "
                   f"{text(self.minimum)} and maximum is {text(self.maximum)}."
        )

    def announce(self, version: Version) -> dict[str, str]:
        """The headers of an answer given in `version`."""
        headers = {"OpenStack-API-Version": f"{self.service} {text(version)}"}
        vary = "OpenStack-API-Version"
        if self.legacy:
            headers[self.legacy] = text(version)
            vary += f", {self.legacy}"
        return headers | {"Vary": vary}

    def _asked(self, headers: Headers) -> str | None:
        for part in str(headers.get("OpenStack-API-Version", "")).split(","):
            words = part.split()
            if len(words) == 2 and words[0].lower() == self.service:
                return words[1].lower()
        asked = headers.get(self.legacy, "") if self.legacy else ""
        return str(asked) or None


def text(version: Version) -> str:
    """(2, 30) as "2.30"."""
    return f"{version[0]}.{version[1]}"
