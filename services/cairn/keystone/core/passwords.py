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

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

# OWASP's second choice of parameters: 19 MiB, two passes; some 25 ms of one core.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# A wave of logins may not take all memory, nor all cores from other requests.
SLOTS = threading.Semaphore(2)


def hashed(password: str) -> str:
    with SLOTS:
        return HASHER.hash(password)


def agrees(stored: str, password: str) -> bool:
    with SLOTS:
        try:
            return HASHER.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


class Passwords:
    """Whether a password is right. One per process; safe from any thread."""

    def __init__(self, remember: float = 300, size: int = 8192) -> None:
        self.remember = remember
        self.size = size
        self._key = secrets.token_bytes(32)
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()
        self._nobody = ""

    def remembers(self, user_id: str, stored: str | None, password: str) -> bool:
        """Whether this password was found right a short time ago."""
        if stored is None:
            return False
        with self._lock:
            return self._seen.get(self._mark(user_id, stored, password), 0.0) > time.monotonic()

    def right(self, user_id: str, stored: str | None, password: str) -> bool:
        """`stored` None (no such user, or no password) takes as long as a wrong password."""
        if stored is None:
            if not self._nobody:
                self._nobody = hashed(secrets.token_hex())
            agrees(self._nobody, password)
            return False
        mark = self._mark(user_id, stored, password)
        now = time.monotonic()
        with self._lock:
            if self._seen.get(mark, 0.0) > now:
                return True
        if not agrees(stored, password):
            return False
        with self._lock:
            self._seen[mark] = now + self.remember
            self._seen.move_to_end(mark)
            if len(self._seen) > self.size:
                self._seen.popitem(last=False)
        return True

    def _mark(self, user_id: str, stored: str, password: str) -> bytes:
        told = b"\0".join(part.encode() for part in (user_id, stored, password))
        return hmac.digest(self._key, told, hashlib.sha256)
