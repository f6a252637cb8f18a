"""The memory of passwords: it saves the hash, never the check."""

import pytest
from argon2 import PasswordHasher

from cairn.keystone.providers import passwords
from cairn.keystone.providers.passwords import Passwords, hashed


class Counting(PasswordHasher):
    def __init__(self):
        super().__init__(1, 8, 1)
        self.verified = 0

    def verify(self, *args):
        self.verified += 1
        return super().verify(*args)


@pytest.fixture
def hasher(monkeypatch):
    hasher = Counting()
    monkeypatch.setattr(passwords, "HASHER", hasher)
    return hasher


def test_what_was_right_is_not_hashed_again(hasher):
    known, stored = Passwords(), hashed("pw")
    assert all(known.right("alice", stored, "pw") for _ in range(3))
    assert hasher.verified == 1


def test_what_was_wrong_is(hasher):
    known, stored = Passwords(), hashed("pw")
    assert not any(known.right("alice", stored, "no") for _ in range(3))
    assert hasher.verified == 3


def test_a_new_password_makes_the_old_one_wrong_at_once(hasher):
    known, stored = Passwords(), hashed("pw")
    assert known.right("alice", stored, "pw")
    assert not known.right("alice", hashed("new"), "pw")


def test_it_is_one_users_memory(hasher):
    known, stored = Passwords(), hashed("pw")
    assert known.right("alice", stored, "pw")
    assert known.right("bob", stored, "pw")
    assert hasher.verified == 2


def test_it_forgets(hasher):
    known, stored = Passwords(remember=0), hashed("pw")
    assert known.right("alice", stored, "pw") and known.right("alice", stored, "pw")
    assert hasher.verified == 2


def test_nobody_takes_as_long_as_somebody(hasher):
    known = Passwords()
    assert not known.right("", None, "pw")
    assert hasher.verified == 1


def test_a_hash_that_is_none_is_no_password(hasher):
    assert not Passwords().right("alice", "junk", "pw")
