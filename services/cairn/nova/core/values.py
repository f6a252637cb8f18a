"""Values that requests carry as text."""

import datetime as dt
import uuid

from cairn.common.api import Version
from cairn.common.errors import Invalid
from cairn.common.listing import FALSE, TRUE


def moment(text: str, name: str) -> dt.datetime:
    """Raises Invalid naming the parameter."""
    try:
        instant = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace(" +", "+"))
    except ValueError:
        raise Invalid(reason=f"{name}: not a time: {text}") from None
    return instant if instant.tzinfo is None else instant.astimezone(dt.UTC).replace(tzinfo=None)


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


def by_uuid(version: Version) -> bool:
    """Whether services and hypervisors are named by their uuids; before, by numbers."""
    return version >= (2, 53)
