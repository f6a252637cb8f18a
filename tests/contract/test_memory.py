"""What processes would carry for nothing: libraries that they never use, patterns that count."""

import re
import subprocess
import sys

import pytest

from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS
from cairn.common.process import AGENT, Room, find

# Those of an agent: no database, no web.
HEAVY = {"sqlalchemy", "flask", "jsonschema_rs", "oslo_policy"}
# A repetition with a limit is compiled as often as it says; a length costs nothing.
FAR = re.compile(r"\{(?:[0-9]*,)?([0-9]{3,})\}")


def agents():
    for component in COMPONENTS:
        module = __import__(f"cairn.{component}.processes", fromlist=["PROCESSES"])
        for name in module.PROCESSES:
            if find(name).pack == AGENT:
                yield name


def patterns(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for name, inner in schema.items():
            if name == "patternProperties":
                yield from inner
            yield from patterns(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from patterns(inner)


@pytest.mark.parametrize("name", list(agents()))
def test_an_agent_carries_no_database_and_no_web(name):
    """20 MiB of each host, for one function that makes an id."""
    room = find(name).build
    assert isinstance(room, Room)
    script = f"import sys, {room.module}; print(*({HEAVY!r} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True,
                          text=True)
    assert said.stdout.split() == []


def test_no_pattern_counts_far():
    """`^.{1,255}$` took 300 KiB wherever it stood, 18 times; maxLength takes none."""
    far = {pattern for row in declarations() for schema in (row.endpoint.body, row.endpoint.query)
           for pattern in patterns(schema) if FAR.search(pattern)}
    assert far == set()


def test_a_pattern_that_counts_far_would_be_found():
    planted = {"properties": {"a": [{"patternProperties": {"^.{1,255}$": {}}}]}}
    assert [p for p in patterns(planted) if FAR.search(p)] == ["^.{1,255}$"]
    assert not FAR.search("^[0-9a-f]{8}$") and not FAR.search("^[a-z]{1,64}$")
