"""Neighbours restart; a step waits for them a while before it calls that a failure. Without the
database a step has not failed either: it is repeated when that is back."""

import functools
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cairn.common.errors import Problem
from cairn.common.work import Interrupted, Job, check

log = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (502, 503, 504)
# A neighbour that lost its database says 500; so does one that has a bug, which time does not heal.
BRIEF = 20.0


def patiently(func: Callable[[], T], seconds: float, what: str) -> T:
    """`func()`, again while its neighbour is away. `func` must bear being repeated."""
    begun = time.monotonic()
    pause = 0.2
    while True:
        check()
        try:
            return func()
        except Problem as problem:
            limit = {500: min(seconds, BRIEF)} | dict.fromkeys(AWAY, seconds)
            if time.monotonic() + pause - begun > limit.get(problem.code, 0.0):
                raise
            log.warning("%s: %s; trying again", what, problem)
        time.sleep(pause)
        pause = min(pause * 2, 3.0)


def durable(step: Callable[[Job], T]) -> Callable[[Job], T]:
    """The step, interrupted (not failed) by a database that is away."""

    @functools.wraps(step)
    def run(job: Job) -> T:
        try:
            return step(job)
        except (OperationalError, InterfaceError, PoolTimeout) as away:
            raise Interrupted(str(away)) from away
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Interrupted(str(error)) from error
            raise

    return run
