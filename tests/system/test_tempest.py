"""OpenStack's own test suite, unmodified, against a deployed cloud.

Every test of a service that is complete passes, and of the others those that the suite calls smoke
and those that a cloud must pass to be called interoperable, except what docs/operate/conformance.md
names with a reason. One that fails or is skipped for another reason, or is named there and passes,
is a failure. The suites of the others as a whole: ./cairn test acceptance.
"""

import re
from pathlib import Path

import pytest

from . import conformance

# Once is enough: the services are the same in every topology.
pytestmark = [pytest.mark.lab, pytest.mark.parametrize("cloud", ["allinone"], indirect=True)]

INTEROP = Path(__file__).with_name("interop.txt").read_text().split()


@pytest.fixture(scope="module")
def workspace(cloud, admin, tmp_path_factory):
    with conformance.workspace(admin, tmp_path_factory.mktemp("tempest")) as folder:
        yield folder


@pytest.mark.parametrize("package", [
    "tempest.api.identity", "tempest.api.image", "tempest.api.network"])
def test_what_is_complete_passes_whole(workspace, admin, package):
    outcome = conformance.run(workspace, admin, [re.escape(package)])
    assert len(outcome.passed) > 50, outcome.output[-6000:]
    assert conformance.contradictions(outcome, package) == [], outcome.output[-20000:]


def test_what_the_suite_calls_smoke_passes(workspace, admin):
    outcome = conformance.run(workspace, admin, [r"\[.*\bsmoke\b.*\]"])
    assert len(outcome.passed) > 80, outcome.output[-6000:]
    assert conformance.contradictions(outcome) == [], outcome.output[-20000:]


def test_what_makes_a_cloud_interoperable_passes(workspace, admin):
    """The required ones of the Interop Working Group's guideline 2020.06, of what there is."""
    outcome = conformance.run(
        workspace, admin, [rf"^{re.escape(name)}\[" for name in INTEROP])
    rows = conformance.excepted()
    missed = {name for name in INTEROP
              if name not in outcome.passed and not conformance.within(name, rows)}
    assert conformance.contradictions(outcome) + sorted(missed) == [], outcome.output[-20000:]
