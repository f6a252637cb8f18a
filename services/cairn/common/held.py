"""Nobody waits for the network while a database session is open: its rows would be locked, and its
connection taken, for as long as somebody else likes. Apart from db.py for agents, which have none.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


@contextmanager
def session() -> Iterator[None]:
    """Around all that is done with one session."""
    _here.open = getattr(_here, "open", 0) + 1
    try:
        yield
    finally:
        _here.open -= 1


def none_for(what: str) -> None:
    """Raises RuntimeError when this thread has a session open: a mistake of ours, found by any
    test that goes there."""
    if getattr(_here, "open", 0):
        raise RuntimeError(f"{what} was asked while a database session is open")
