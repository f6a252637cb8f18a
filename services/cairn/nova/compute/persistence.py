"""What a server needs on a host that just booted is there a little later: its taps, the exports of
its volumes, a cluster, a neighbour."""

import logging
from collections.abc import Callable
from typing import TypeVar

from cairn.common.errors import Problem
from cairn.common.faults import explain
from cairn.common.work import Cancelled, Job, Later
from cairn.nova.errors import NeedsAway

log = logging.getLogger(__name__)

T = TypeVar("T")
LONGEST = 15.0  # Seconds between two tries.


def persistently(job: Job, do: Callable[[], T], seconds: float) -> T:
    """`do()`. Where it fails the step comes again, the later the oftener it did, until it waited
    for so many seconds in all; no thread is held meanwhile, and a deletion calls it off. Raises
    Later, NeedsAway, and at once what no waiting mends."""
    try:
        return do()
    except Cancelled:
        raise
    except Problem as problem:
        if problem.code < 500:
            raise
        if _waited(job) >= seconds:
            raise NeedsAway(seconds=seconds, reason=explain(problem)) from problem
        log.warning("%s of %s waits: %s", job.kind, job.subject, problem)
        raise Later(_pause(job.attempts)) from problem


def _pause(attempt: int) -> float:
    return min(2.0 ** (attempt - 1), LONGEST)


def _waited(job: Job) -> float:
    """By the tries that it had: they outlive this process and need no clock."""
    return sum(_pause(attempt) for attempt in range(1, job.attempts))
