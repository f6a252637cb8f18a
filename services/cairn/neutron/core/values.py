"""What texts of a query mean."""

import datetime as dt

from cairn.common import listing
from cairn.common.errors import Invalid
from cairn.neutron import errors


def parse_boolean(name: str, text: str) -> bool:
    """Raises BadAttribute, naming the attribute."""
    try:
        return listing.parse_flag(name, text)
    except Invalid:
        raise errors.BadAttribute(
            name=name, reason=f"'{text}' cannot be converted to boolean.") from None


# Integers that databases take. No row has one beyond, nor one of these.
LEAST, MOST = -2**63, 2**63 - 1


def parse_integer(name: str, text: str) -> int:
    """A number to look for. Raises BadAttribute, naming the attribute."""
    try:
        return max(LEAST, min(int(text), MOST))
    except ValueError:
        raise errors.BadAttribute(name=name, reason=f"'{text}' is not an integer.") from None


def parse_moment(name: str, text: str) -> dt.datetime:
    """A time in UTC without a zone. Raises InvalidInput."""
    try:
        return dt.datetime.strptime(text.removesuffix("Z"), "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise errors.InvalidInput(
            reason=f"The input {name} must be in the following format: YYYY-MM-DDTHH:MM:SS[Z]"
        ) from None
