"""What an audit found, tried again on a deployed cloud: every scenario of tests/system/attacks."""

import pytest

from . import attacks

pytestmark = [pytest.mark.lab, attacks.QUIET]


@pytest.fixture(scope="module")
def ground(cloud, tmp_path_factory):
    with attacks.ground(cloud, tmp_path_factory.mktemp(f"attacks-{cloud.topology}")) as ground:
        yield ground


def cases():
    for topology in ("allinone", "multinode"):
        for name, scenario in attacks.scenarios(topology):
            yield pytest.param(topology, scenario, id=f"{topology}-{name}")


@pytest.mark.parametrize(("cloud", "scenario"), list(cases()), indirect=["cloud"],
                         scope="session")
def test_it_does_not_work_any_more(ground, scenario):
    scenario(ground)
