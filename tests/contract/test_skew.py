"""Processes of this release and the one before understand each other (docs/develop/skew.md)."""

import json
from unittest.mock import create_autospec

import pytest
from contract import record

from cairn.common.context import Context
from cairn.common.errors import IncompleteMessage, UnknownMessage
from cairn.common.rpc import invoke
from cairn.common.work import Flow, Job, Step, Worker

RECORDED = {component: record.recorded(component) for component in sorted(record.SERVED)}
MANAGERS = {record.load(stub).topic: record.load(manager)
            for served in record.SERVED.values() for stub, manager in served.items()}
MESSAGES = [(topic, method, args) for kept in RECORDED.values()
            for topic, methods in kept["messages"].items() for method, args in methods.items()]
WORKS = [(component, kind, work) for component, kept in RECORDED.items()
         for kind, work in kept["works"].items()]
by_message = pytest.mark.parametrize(
    ("topic", "method", "args"), MESSAGES, ids=[f"{t}.{m}" for t, m, _ in MESSAGES])
by_work = pytest.mark.parametrize(
    ("component", "kind", "work"), WORKS, ids=[f"{c}.{k}" for c, k, _ in WORKS])
CTX = Context("alice")


@by_message
def test_a_recorded_message_is_read_whole(topic, method, args):
    manager = create_autospec(MANAGERS[topic])
    invoke(topic, manager, method, CTX, args)
    getattr(manager, method).assert_called_once_with(CTX, **args)


@by_message
def test_what_a_newer_release_adds_is_left_out(topic, method, args):
    manager = create_autospec(MANAGERS[topic])
    invoke(topic, manager, method, CTX, {**args, "of_a_newer_release": 1})
    getattr(manager, method).assert_called_once_with(CTX, **args)


@pytest.mark.parametrize("topic", sorted(MANAGERS))
@pytest.mark.parametrize("method", ["of_a_newer_release", "_private", "__init__"])
def test_an_unknown_message_is_a_named_error(topic, method):
    with pytest.raises(UnknownMessage, match=topic):
        invoke(topic, create_autospec(MANAGERS[topic]), method, CTX, {})


def test_an_argument_that_did_not_come_has_its_default_or_a_named_error():
    class Manager:
        def build(self, ctx, house, colour="white"):
            return house, colour

    assert invoke("t", Manager(), "build", CTX, {"house": "a"}) == ("a", "white")
    with pytest.raises(IncompleteMessage, match="without house"):
        invoke("t", Manager(), "build", CTX, {"colour": "red"})


@by_work
def test_a_recorded_work_is_read_and_its_steps_are_known(component, kind, work):
    job = Job.from_wire({**work["job"], "of_a_newer_release": 1,
                         "ctx": {**work["job"]["ctx"], "of_a_newer_release": 1}})
    assert job.to_wire() == work["job"]
    today = record.component_works(component)
    assert [step for step in work["steps"] if step not in today.get(kind, [])] == []


def test_what_is_sent_is_recorded():
    """Else: python tests/contract/record.py"""
    for component, kept in RECORDED.items():
        new = json.loads(json.dumps(record.component_record(component)))
        assert record.add(kept, new) == kept


class Kept:
    """A ledger that remembers what it was told."""

    def __init__(self):
        self.told = []

    def __getattr__(self, change):
        return lambda job, *args: self.told.append((change, *args))


def run(kind, begun, **more):
    ledger, done = Kept(), []
    flow = Flow("build", (Step("floor", lambda job: done.append("floor"),
                               lambda job: done.append("no floor")),))
    Worker(ledger, [flow], runner="mason", lease_holder="m", **more).run(
        Job("1", kind, "house", "mason", "m", {}, CTX, begun=begun))
    return ledger.told, done


def test_an_unknown_kind_of_work_ends_and_its_owner_reads_why():
    heard = []
    told, _ = run("of_a_newer_release", [],
                  unknown=lambda job, error: heard.append(error))
    sentence = "This release does not know the work of_a_newer_release."
    assert told == [("fail", None, sentence), ("close",)]
    assert heard == [sentence]


def test_an_unknown_kind_of_work_goes_to_whoever_can_tell_its_owner():
    told, _ = run("of_a_newer_release", [], unknown=lambda job, error: "conductor")
    assert told[-1] == ("hand", "conductor")


def test_an_unknown_step_unwinds_the_work_and_is_not_called_undone():
    told, done = run("build", [("mason", "floor"), ("mason", "ivy"), ("other", "vines")])
    assert told == [("fail", None, "This release does not know the step ivy of build."),
                    ("undone", "floor"), ("close",)]
    assert done == ["no floor"]
