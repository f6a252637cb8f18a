"""Who guesses is slowed, nobody else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.keystone.errors import TooManyAttempts
from cairn.keystone.providers import throttle as module
from cairn.keystone.providers.throttle import Throttle, network
from cairn.keystone.settings import ThrottleSettings

SETTINGS = ThrottleSettings(
    account_failures=3, account_pause=10, address_failures=6, address_pause=5,
    everywhere_failures=9, everywhere_pause=2,
)


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def throttle(clock):
    return Throttle(SETTINGS)


def attempt(throttle, account, address, right=False):
    """Seconds to wait; 0 when it was let through."""
    try:
        with throttle.attempt(account, address) as found:
            found.right = right
    except TooManyAttempts as many:
        return int(many.headers["Retry-After"])
    return 0


def test_one_account_from_one_address(throttle, clock):
    assert [attempt(throttle, "a", "1.1.1.1") for _ in range(4)] == [0, 0, 0, 10]
    assert attempt(throttle, "a", "1.1.1.1", right=True) == 10
    clock.now += 10
    assert attempt(throttle, "a", "1.1.1.1") == 0
    assert attempt(throttle, "a", "1.1.1.1") == 10


def test_others_do_not_wait(throttle):
    for _ in range(9):
        attempt(throttle, "a", "1.1.1.1")
    assert attempt(throttle, "a", "2.2.2.2") == 0
    assert attempt(throttle, "b", "1.1.1.1") == 0


def test_a_right_one_clears(throttle):
    for _ in range(5):
        assert attempt(throttle, "a", "1.1.1.1") == 0
        assert attempt(throttle, "a", "1.1.1.1", right=True) == 0


def test_one_address_for_many_accounts(throttle):
    assert [attempt(throttle, f"a{n}", "1.1.1.1") for n in range(7)] == [0] * 6 + [5]
    assert attempt(throttle, "a", "2.2.2.2") == 0


def test_many_addresses_for_one_account(throttle):
    waits = [attempt(throttle, "a", f"1.1.1.{n}") for n in range(10)]
    assert waits == [0] * 9 + [2]


def test_strangers_keep_nobody_out(throttle):
    assert attempt(throttle, "a", "9.9.9.9", right=True) == 0
    for n in range(50):
        attempt(throttle, "a", f"1.1.1.{n}")
    assert attempt(throttle, "a", "8.8.8.8", right=True) > 0
    assert attempt(throttle, "a", "9.9.9.9", right=True) == 0


def test_many_at_once_are_many(throttle):
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: attempt(throttle, "a", "1.1.1.1"), range(24)))
    assert waits.count(0) == 3


def test_what_could_not_be_checked_does_not_count(throttle):
    for _ in range(9):
        with pytest.raises(OSError, match="busy"), throttle.attempt("a", "1.1.1.1"):
            raise OSError("busy")
    assert attempt(throttle, "a", "1.1.1.1") == 0


def test_zero_is_off(clock):
    off = Throttle(ThrottleSettings(0, 0, 0, 0, 0, 0))
    assert not any(attempt(off, "a", "1.1.1.1") for _ in range(500))


def test_it_remembers_so_much(throttle, monkeypatch):
    monkeypatch.setattr(module, "SIZE", 10)
    for n in range(50):
        attempt(throttle, f"a{n}", f"1.1.1.{n}", right=True)
    assert len(throttle._levels) <= 13
    assert len(throttle._good) <= 10


@pytest.mark.parametrize(("address", "whose"), [
    ("1.2.3.4", "1.2.3.4"), ("2001:db8::1:2:3:4", "2001:db8::/64"), ("::ffff:1.2.3.4", "1.2.3.4"),
    ("unknown", "unknown"),
])
def test_what_one_caller_has(address, whose):
    assert network(address) == whose
