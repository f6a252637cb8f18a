"""Which bytes a request asks for (RFC 9110, section 14.2)."""

import re
from typing import Any

from cairn.common.errors import Problem

ONE = re.compile(r"bytes[= ]\s*([0-9]{0,18})-([0-9]{0,18})(?:/(?:[0-9]+|\*))?")


class NoSuchRange(Problem):
    code = 416
    message = "The range {text} is not within the {size} bytes of the image."


def asked_for(headers: Any, size: int | None) -> tuple[int, int] | None:
    """(first byte, how many) of a Range with one part, None for all. Raises NoSuchRange.

    A Content-Range in a request means the same: old clients of images send it.
    """
    text = headers.get("Range") or headers.get("Content-Range") or ""
    if not text or size is None:
        return None
    match = ONE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        raise NoSuchRange(text=text, size=size)
    if match[1]:
        first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    else:
        first, last = max(0, size - int(match[2])), size - 1
    last = min(last, size - 1)
    if first > last:
        raise NoSuchRange(text=text, size=size)
    return first, last - first + 1
