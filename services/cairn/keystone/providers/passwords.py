"""Passwords: hashed with argon2id, and remembered for minutes so that a repeated login is cheap.

The memory holds no password and nothing a password could be guessed from without this process's
own random key: HMAC(key, user, stored hash, password) of those found right. A new password has a
new hash, so the old one's entry can never match again. Whether the user is enabled or locked is
not remembered: callers look every time.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from cairn.keystone.errors import Busy

# (stored hash, password) -> whether they agree.
Check = Callable[[str, str], bool]
# OWASP's second choice of parameters: 19 MiB, two passes; some 25 ms of one core.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# A wave of logins takes neither all memory nor all cores nor all threads from other requests: one
# is hashed, so many wait, the rest come again.
SLOT, WAITING = threading.Semaphore(1), threading.Semaphore(8)


def hashed(password: str) -> str:
    with SLOT:
        return HASHER.hash(password)


def agrees(stored: str, password: str) -> bool:
    """Raises Busy where too many ask at once."""
    if not WAITING.acquire(blocking=False):
        raise Busy
    try:
        with SLOT:
            return HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False
    finally:
        WAITING.release()


class Passwords:
    """Whether a password is right. One per process; safe from any thread."""

    def __init__(self, remember: float = 300, size: int = 8192) -> None:
        self.remember = remember
        self.size = size
        self._key = secrets.token_bytes(32)
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()
        # Of those that are being hashed now: who asks the same waits for the same answer.
        self._asked: dict[bytes, Future[bool]] = {}
        self._nobody = ""

    def remembers(self, user_id: str, stored: str | None, password: str) -> bool:
        """Whether this password was found right a short time ago."""
        if stored is None:
            return False
        with self._lock:
            return self._seen.get(self._mark(user_id, stored, password), 0.0) > time.monotonic()

    def right(
        self, user_id: str, stored: str | None, password: str, check: Check | None = None
    ) -> bool:
        """`stored` None (no such user, or no password) takes as long as a wrong password. `check`
        stands for `agrees`, where it is asked at all. Raises Busy, and what `check` does."""
        check = check or agrees
        if stored is None:
            if not self._nobody:
                self._nobody = hashed(secrets.token_hex())
            check(self._nobody, password)
            return False
        mark = self._mark(user_id, stored, password)
        with self._lock:
            if self._seen.get(mark, 0.0) > time.monotonic():
                return True
            asked = self._asked.get(mark)
            if asked is None:
                mine = self._asked[mark] = Future()
        if asked is not None:
            return asked.result()
        try:
            right = check(stored, password)
            if right:
                self._remember(mark)
            mine.set_result(right)
        except BaseException as wrong:
            mine.set_exception(wrong)
            raise
        finally:
            with self._lock:
                del self._asked[mark]
        return right

    def _remember(self, mark: bytes) -> None:
        with self._lock:
            self._seen[mark] = time.monotonic() + self.remember
            self._seen.move_to_end(mark)
            if len(self._seen) > self.size:
                self._seen.popitem(last=False)

    def _mark(self, user_id: str, stored: str, password: str) -> bytes:
        told = b"\0".join(part.encode() for part in (user_id, stored, password))
        return hmac.digest(self._key, told, hashlib.sha256)
