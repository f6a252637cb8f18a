"""OpenStack's own test suite, unmodified, against a deployed cloud.

Those that the suite calls smoke and those that a cloud must pass to be called interoperable pass,
except what docs/operate/conformance.md names with a reason. One that fails or is skipped for
another reason, or is named there and passes, is a failure. Every test of a service that is
complete, which takes half an hour: ./cairn test acceptance identity image network volume
"""

import re
from pathlib import Path

import pytest

from . import conformance

# Once is enough: the services are the same in every topology.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]

SMOKE = r"\[.*\bsmoke\b.*\]"
# The required tests of the Interop Working Group's guideline 2020.06, of the services there are.
INTEROP = Path(__file__).with_name("interop.txt").read_text().split()


@pytest.fixture(scope="module")
def outcome(cloud, admin, tmp_path_factory):
    """Of all of them, in one run."""
    with conformance.workspace(admin, tmp_path_factory.mktemp("tempest")) as folder:
        return conformance.run(
            folder, admin, [SMOKE, *(rf"^{re.escape(name)}\[" for name in INTEROP)])


def test_all_that_is_not_named_passes(outcome):
    assert len(outcome.passed) > 180, outcome.output[-6000:]
    assert conformance.contradictions(outcome) == [], outcome.output[-20000:]


def test_nothing_that_makes_a_cloud_interoperable_was_left_out(outcome):
    rows = conformance.excepted(outcome.protocol)
    assert [name for name in INTEROP if name not in outcome.passed
            and not conformance.within(name, rows)] == []
