"""Waiting for who restarts, and only for them."""

import time

import pytest
from sqlalchemy.exc import OperationalError

from cairn.common.durable import durable
from cairn.common.errors import Remote, Unavailable
from cairn.common.patience import patiently
from cairn.common.work import Interrupted


def failing(times, error):
    left = [error] * times

    def func():
        if left:
            raise left.pop()
        return "done"

    return func


@pytest.mark.parametrize("error", [Unavailable(reason="x"), Remote("network 503", 503, "x"),
                                   Remote("network 500", 500, "x")])
def test_who_is_away_is_waited_for(error):
    assert patiently(failing(1, error), 5, "asking") == "done"


@pytest.mark.parametrize("code", [400, 404, 409])
def test_a_refusal_is_final(code):
    with pytest.raises(Remote):
        patiently(failing(1, Remote("network", code, "x")), 5, "asking")


def test_patience_ends():
    with pytest.raises(Unavailable):
        patiently(failing(9, Unavailable(reason="x")), 0.1, "asking")


def test_one_long_wait_is_not_all_of_it(monkeypatch):
    """An answer that was lost is seen late: who is asked may long be there again."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    func = failing(1, Unavailable(reason="x"))

    def slow():
        clock[0] += 60
        return func()

    assert patiently(slow, 60, "asking") == "done"


def test_a_database_that_is_away_fails_no_step():
    def step(job):
        raise OperationalError("SELECT 1", {}, Exception("gone away"))

    with pytest.raises(Interrupted):
        durable(step)(None)
