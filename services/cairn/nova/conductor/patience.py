"""Neighbours restart; a step waits for them a while before it calls that a failure."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from cairn.common.errors import Problem

log = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (502, 503, 504)


def patiently(func: Callable[[], T], seconds: float, what: str) -> T:
    """`func()`, again while its neighbour is away. `func` must bear being repeated."""
    end = time.monotonic() + seconds
    pause = 0.2
    while True:
        try:
            return func()
        except Problem as problem:
            if problem.code not in AWAY or time.monotonic() + pause > end:
                raise
            log.warning("%s: %s; trying again", what, problem)
        time.sleep(pause)
        pause = min(pause * 2, 3.0)
