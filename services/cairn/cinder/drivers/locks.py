"""Locks by name, of one process: two calls for one volume wait for each other."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class Locks:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Name: the lock, and how many hold it or wait for it.
        self._named: dict[str, tuple[threading.RLock, int]] = {}

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """In one order, whoever asks: nobody waits in a circle."""
        with ExitStack() as stack:
            for name in sorted(set(names)):
                stack.enter_context(self._held(name))
            yield

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        with self._lock:
            lock, users = self._named.get(name, (threading.RLock(), 0))
            self._named[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._named[name]
                if users == 1:
                    del self._named[name]
                else:
                    self._named[name] = lock, users - 1
