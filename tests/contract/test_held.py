"""Whoever asks another process anything does it through a way that refuses to while a database
session is open (common/held.py)."""

import ast
import inspect
from pathlib import Path

import pytest
from fakes.nova import Cloud

import cairn
from cairn.common.client import Neighbours
from cairn.common.manage import COMPONENTS
from cairn.common.rpc import Bus
from cairn.glance.core import usage
from cairn.glance.drivers.gate import Gate
from cairn.nova.neighbours.vendordata import HttpVendordata

ROOT = Path(cairn.__file__).parent
WAYS = [Neighbours.request, Neighbours.endpoint, Neighbours.fetch, Bus.ask, Gate.open,
        usage.limits, HttpVendordata._answer, Cloud.request]
# What can be asked with, and the one who does so in a process with a database.
TOOLS = {"requests", "http.client", "urllib.request", "urllib3", "keystoneauth1", "kombu"}
ASKERS = {"glance/core/transfers.py", "nova/neighbours/vendordata.py"}
# The kernel's ways are WAYS; these rooms are of processes without a database.
AGENTS = {"agent", "compute", "drivers"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__qualname__)
def test_every_way_out_looks_for_open_sessions(way):
    assert "held.none_for(" in inspect.getsource(way)


def tools(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [
            alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (tool for name in names for tool in TOOLS
                    if name == tool or name.startswith(f"{tool}."))


def test_components_have_no_other_ways_out():
    rooms = {path.relative_to(ROOT): path for name in COMPONENTS for path in
             (ROOT / name).rglob("*.py")}
    found = {str(name) for name, path in rooms.items()
             if name.parts[1] not in AGENTS and any(tools(path))}
    assert found <= ASKERS
