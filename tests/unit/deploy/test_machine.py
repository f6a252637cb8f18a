from dataclasses import replace

import pytest

from cairn.deploy import machine
from cairn.deploy.errors import Refused
from cairn.deploy.machine import GIB, Machine

GOOD = Machine("debian", "12", "Debian GNU/Linux 12", "x86_64", True, True, 100 * GIB, 16 * GIB)


def test_a_fresh_debian_has_no_complaint() -> None:
    assert machine.complaints(GOOD, "host", "allinone") == []
    assert machine.complaints(GOOD, "lab", "multinode") == []


@pytest.mark.parametrize(
    ("here", "place", "shape", "says"),
    [
        (replace(GOOD, root=False), "lab", "allinone", "must run as root"),
        (replace(GOOD, version="11", title="Debian 11"), "lab", "allinone", "needs Debian 12"),
        (replace(GOOD, system="ubuntu", title="Ubuntu"), "host", "allinone", "this is Ubuntu"),
        (replace(GOOD, architecture="aarch64"), "lab", "allinone", "needs x86_64"),
        (replace(GOOD, systemd=False), "host", "allinone", "./cairn up --lab"),
        (GOOD, "host", "multinode", "add --lab"),
        (replace(GOOD, free_disk=GIB), "lab", "multinode", "1.0 GiB free, 18 are needed"),
        (replace(GOOD, memory=GIB), "lab", "multinode", "1.0 GiB of memory"),
    ],
)
def test_what_is_wrong_with_a_machine_is_told(
    here: Machine, place: str, shape: str, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        machine.require(here, place, shape)
    assert says in refused.value.message


def test_all_reasons_are_told_at_once() -> None:
    bad = replace(GOOD, root=False, free_disk=0, memory=0)
    assert len(machine.complaints(bad, "lab", "allinone")) == 3


def test_this_machine_can_be_looked_at() -> None:
    assert machine.look().memory > 0
