"""Without the database a step has not failed: it is repeated when that is back."""

import functools
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cairn.common.work import Interrupted, Job

T = TypeVar("T")


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
