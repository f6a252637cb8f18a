"""The bytes of an image that a server becomes: sent to Glance once, whoever dies meanwhile."""

import time
from collections.abc import Callable

from cairn.common.errors import Problem
from cairn.common.work import check
from cairn.nova.errors import ImageBroken

# Glance calls an upload dead that was silent for a minute: then it takes another.
PATIENCE = 120.0


def fill(
    image_id: str, send: Callable[[], None], status: Callable[[], str],
    pause: Callable[[float], None],
) -> None:
    """Send them. What an earlier life of this process began is waited for. Raises what Glance
    refuses with, ImageBroken."""
    end = time.monotonic() + PATIENCE
    while True:
        check()
        try:
            send()
            return
        except Problem as problem:
            if problem.code != 409:
                raise
        now = status()
        if now == "active":
            return
        if now != "saving" or time.monotonic() > end:
            raise ImageBroken(id=image_id, reason=f"it is {now}, and cannot be filled")
        pause(5)
