"""What the documents of metadata definitions share."""

from collections.abc import Mapping
from typing import Any

from cairn.common.api import Document
from cairn.common.db import Timestamps
from cairn.glance.api.views import moment
from cairn.glance.errors import ReadOnly


def times(record: Timestamps) -> Document:
    return {"created_at": moment(record.created_at),
            "updated_at": moment(record.updated_at or record.created_at)}


def present(document: Document) -> Document:
    """Without what nothing is known of."""
    return {name: value for name, value in document.items() if value is not None}


def check_writable(body: Mapping[str, Any]) -> None:
    for name in ("self", "schema", "created_at", "updated_at"):
        if name in body:
            raise ReadOnly(name=name)
