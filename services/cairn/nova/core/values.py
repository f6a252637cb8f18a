"""Values that requests carry as text."""

import datetime as dt
import re
import uuid

from cairn.common.api import Version
from cairn.common.bounds import parse_whole
from cairn.common.errors import Invalid, NotFound
from cairn.common.listing import FALSE, TRUE


def moment(text: str, name: str) -> dt.datetime:
    """A time in UTC, of a text in ISO 8601. Raises Invalid naming the parameter."""
    try:
        instant = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" +", "+"))
        return (instant if instant.tzinfo is None
                else instant.astimezone(dt.UTC).replace(tzinfo=None))
    except (ValueError, OverflowError):  # In UTC it may lie before the first year.
        raise Invalid(reason=f"{name}: not a time: {text}") from None


def check_order(since: dt.datetime | None, before: dt.datetime | None) -> None:
    """Raises Invalid for a time of changes that ends before it begins."""
    if since is not None and before is not None and since > before:
        raise Invalid(reason="The value of changes-since must be less than or equal to "
                             "changes-before.")


def truth(text: str | None, name: str, default: bool = False) -> bool:
    """Raises Invalid naming the parameter."""
    if text is None:
        return default
    if not text or text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise Invalid(reason=f"{name}: expected true or false, not {text}")


def check_uuid(text: str) -> str:
    """Raises Invalid."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Invalid(reason=f"Invalid uuid {text}") from None


def neighbours_id(kind: str, text: str) -> str:
    """An id that a neighbour may have a thing by. Raises NotFound for a text that is no uuid: none
    has, and it would be no segment of a path."""
    try:
        return check_uuid(text)
    except Invalid:
        raise NotFound(kind, text) from None


def number(text: str) -> int:
    """An id that is a number; 0, which is nobody's, for one that no row can have. Raises Invalid
    for what is no number."""
    if re.fullmatch(r"-?[0-9]+", text) is None:
        raise Invalid(reason=f"Invalid value for id: {text:.64} is not a number.")
    return max(0, parse_whole(text) or 0)


def by_uuid(version: Version) -> bool:
    """Whether services and hypervisors are named by their uuids; before, by numbers."""
    return version >= (2, 53)
