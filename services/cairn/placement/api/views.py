"""What several of placement's answers have."""

import datetime as dt
from email.utils import format_datetime

from cairn.common.api import Document, Reply


def dated(body: Document | None, modified: dt.datetime | None, status: int | None = None,
          headers: dict[str, str] | None = None) -> Reply:
    """An answer that says when what it tells of last changed. (Where nobody can know that, the
    application says now; and neither before microversion 1.15.)"""
    said = dict(headers or {})
    if modified is not None:
        said["Last-Modified"] = http_date(modified)
    return Reply(body, status, said)


def http_date(moment: dt.datetime) -> str:
    return format_datetime(moment.replace(microsecond=0, tzinfo=dt.UTC), usegmt=True)
