"""A stub and the manager that serves it agree, name by name."""

import importlib.util
import inspect

import pytest
from contract.record import SERVED, load

from cairn.common.ledger import LedgerManager, LedgerStub
from cairn.common.manage import COMPONENTS
from cairn.common.rpc import Stub, signature

PAIRS = [pair for served in SERVED.values() for pair in served.items()]


def messages(stub):
    kernel = {name for name, _ in inspect.getmembers(Stub)}
    return [name for name, _ in inspect.getmembers(stub, inspect.isfunction)
            if not name.startswith("_") and name not in kernel]


def agree(stub, manager):
    return {name: (signature(getattr(stub, name)), signature(getattr(manager, name, lambda: 0)))
            for name in messages(stub)
            if not hasattr(manager, name)
            or signature(getattr(stub, name)) != signature(getattr(manager, name))}


@pytest.mark.parametrize(("stub", "manager"), PAIRS)
def test_a_manager_serves_what_its_stub_sends(stub, manager):
    assert messages(load(stub))
    assert agree(load(stub), load(manager)) == {}


def test_the_ledger_serves_what_its_stub_sends():
    assert agree(LedgerStub, LedgerManager) == {}


def test_every_stub_is_in_the_list():
    listed = {load(stub) for stub, _ in PAIRS}
    for component in COMPONENTS:
        if importlib.util.find_spec(f"cairn.{component}.rpc") is None:
            continue
        rpc = importlib.import_module(f"cairn.{component}.rpc")
        stubs = {c for _, c in inspect.getmembers(rpc, inspect.isclass)
                 if issubclass(c, Stub) and c.__module__ == rpc.__name__}
        assert stubs <= listed
