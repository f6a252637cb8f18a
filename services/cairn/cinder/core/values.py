"""How values are written."""

import datetime as dt


def stamp(moment: dt.datetime | None) -> str | None:
    """As the API writes a moment: microseconds, no zone."""
    return moment.isoformat(timespec="microseconds") if moment is not None else None
