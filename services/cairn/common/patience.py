"""Neighbours restart; whoever asks them in a step of a work waits a while before that fails it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from cairn.common.errors import Problem
from cairn.common.work import check

log = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (502, 503, 504)
# A neighbour that lost its database says 500; so does one that has a bug, which time does not heal.
BRIEF = 20.0


def patiently(func: Callable[[], T], seconds: float, what: str, brief: float = BRIEF) -> T:
    """`func()`, again while its neighbour is away, for so many seconds since that was first seen,
    be it after a long wait; for `brief` seconds while it only fails. `func` must bear being
    repeated. Raises what it raised last."""
    failing: float | None = None
    pause = 0.2
    while True:
        check()
        try:
            return func()
        except Problem as problem:
            limit = {500: min(seconds, brief)} | dict.fromkeys(AWAY, seconds)
            now = time.monotonic()
            failing = now if failing is None else failing
            if now + pause - failing > limit.get(problem.code, 0.0):
                raise
            log.warning("%s: %s; trying again", what, problem)
        time.sleep(pause)
        pause = min(pause * 2, 3.0)
