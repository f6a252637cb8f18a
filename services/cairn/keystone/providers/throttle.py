"""Who guesses is slowed: so many wrong proofs at once, then one at a time.

Counted are the wrong proofs of one address for one account, of one address for any, and for one
account from anywhere; the last not for an address that the account has logged in from, so that
strangers keep nobody out of it. An attempt is counted when it begins, so that many at once are
many, and taken back when it was right. What is remembered to be right is no attempt.

Each process counts for itself: with n of them, n times as many.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cairn.keystone.errors import TooManyAttempts
from cairn.keystone.settings import ThrottleSettings

Key = tuple[str, str]
SIZE = 16384


@dataclass
class Attempt:
    right: bool = False


class Throttle:
    """One per process; safe from any thread."""

    def __init__(self, settings: ThrottleSettings | None = None) -> None:
        self.settings = settings or ThrottleSettings()
        self._lock = threading.Lock()
        # How full each account's and address's measure is, and since when it has been draining.
        self._levels: OrderedDict[Key, tuple[float, float]] = OrderedDict()
        self._good: OrderedDict[Key, None] = OrderedDict()

    @contextmanager
    def attempt(self, account: str, address: str) -> Iterator[Attempt]:
        """Raises TooManyAttempts where there were too many wrong ones. Whoever attempts says at the
        end whether it was right; what could not be checked counts as little as what was."""
        address = network(address)
        self._take(account, address)
        attempt = Attempt()
        try:
            yield attempt
        except BaseException:
            self._give_back(account, address)
            raise
        if attempt.right:
            self._give_back(account, address, right=True)

    def _measures(self, account: str, address: str) -> Iterator[tuple[Key, int, float]]:
        """What an attempt counts for, how many it holds, and how long one takes to drain."""
        s = self.settings
        if s.account_failures > 0:
            yield (account, address), s.account_failures, s.account_pause
        if s.address_failures > 0:
            yield ("", address), s.address_failures, s.address_pause
        if s.everywhere_failures > 0 and (account, address) not in self._good:
            yield (account, ""), s.everywhere_failures, s.everywhere_pause

    def _take(self, account: str, address: str) -> None:
        now = time.monotonic()
        with self._lock:
            taken = []
            for key, most, pause in self._measures(account, address):
                level, since = self._levels.get(key, (0.0, now))
                level = max(0.0, level - (now - since) / max(pause, 1e-3))
                if level + 1 > most:
                    raise TooManyAttempts((level + 1 - most) * pause)
                taken.append((key, level + 1))
            for key, level in taken:
                self._levels[key] = level, now
                self._levels.move_to_end(key)
            while len(self._levels) > SIZE:
                self._levels.popitem(last=False)

    def _give_back(self, account: str, address: str, *, right: bool = False) -> None:
        with self._lock:
            for key in ((account, address), ("", address), (account, "")):
                level, since = self._levels.get(key, (0.0, 0.0))
                if key == (account, address) and right:
                    level = 0.0
                self._levels[key] = max(0.0, level - 1), since
            if right:
                self._good[account, address] = None
                self._good.move_to_end((account, address))
                if len(self._good) > SIZE:
                    self._good.popitem(last=False)


def network(address: str) -> str:
    """What one caller has of addresses: one of IPv4, but a whole /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return address
