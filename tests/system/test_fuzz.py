"""A slice of the fuzzer (the whole of it: ./cairn test acceptance fuzz), always the same calls."""

import pytest

from .attacks import QUIET
from .fuzz import isolation, run

pytestmark = [
    pytest.mark.lab,
    QUIET,
    # The services are the same in every topology.
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]
CALLS, SECONDS, SEED = 2000, 60.0, 1


@pytest.fixture(scope="module")
def field(cloud, tmp_path_factory):
    with run.field_on(cloud, tmp_path_factory.mktemp("fuzz")) as field:
        yield field


def test_there_is_something_of_every_kind_to_call_on(field):
    assert field.lacking == []


def test_another_projects_member_learns_and_changes_nothing(field):
    matrix = isolation.matrix(field)
    print(matrix)
    assert len(matrix.endpoints) > 500
    assert matrix.leaks == []


def test_no_call_breaks_hangs_or_leaks(field, cloud):
    figures = run.Fuzzer(field, SEED).run(CALLS, SECONDS)
    print(*figures.lines(), sep="\n")
    assert figures.good, run.keep(figures, cloud, field.front).read_text()[:20000]
