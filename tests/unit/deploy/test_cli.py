from pathlib import Path

import pytest

from cairn.deploy import cli, down, machine, playbook, up
from cairn.deploy.cloud import Cloud, Record
from cairn.deploy.errors import Refused
from cairn.deploy.machine import GIB, Machine

HERE = Machine("debian", "12", "Debian GNU/Linux 12", "x86_64", True, False, 90 * GIB, 16 * GIB)


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["cairn", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["up", "--topology", "ring"], 2, "'ring' is not one of 'allinone', 'multinode',"),
        (["up", "--name", "Bad_Name"], 2, "'Bad_Name' cannot be a cloud's name"),
        (["up", "more"], 2, "unexpected extra argument"),
        (["up", "--answer-file", "/no/such/file"], 2, "cannot read the answer file"),
        (["ssh"], 2, "Missing argument 'NODE'"),
        (["trace"], 2, "Missing argument 'SERVER'"),
        (["trace", "web"], 1, "there is no cloud named 'cairn'"),
        (["status"], 1, "there is no cloud named 'cairn'"),
        (["openstack", "server", "list"], 1, "Build it with: ./cairn up"),
        (["env"], 1, "there is no cloud named 'cairn'"),
        (["test", "nonsense"], 2, "nothing to test called 'nonsense'"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    words: list[str], code: int, says: str,
) -> None:
    monkeypatch.setattr(machine, "look", lambda: HERE)
    monkeypatch.setattr(machine, "require_root", lambda: None)
    assert call(monkeypatch, *words) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_a_wrong_machine_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    there = Machine("ubuntu", "24.04", "Ubuntu 24.04", "x86_64", False, True, 0, 0)
    monkeypatch.setattr(machine, "look", lambda: there)
    assert call(monkeypatch, "up") == 2
    said = capsys.readouterr().err
    assert "must run as root" in said and "Ubuntu 24.04" in said and "0.0 GiB free" in said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("wish", "systemd", "place", "shape"),
    [
        (up.Wish(), True, "host", "allinone"),
        (up.Wish(), False, "lab", "allinone"),
        (up.Wish(lab=True), True, "lab", "allinone"),
        (up.Wish(topology="multinode"), False, "lab", "multinode"),
    ],
)
def test_the_place_follows_from_systemd_unless_a_lab_is_wanted(
    cloud: Cloud, wish: up.Wish, systemd: bool, place: str, shape: str
) -> None:
    here = Machine("debian", "12", "", "x86_64", True, systemd, 0, 0)
    found = up.decide(cloud, wish, here)
    assert (found.place, found.topology) == (place, shape)


def test_a_rerun_goes_on_with_what_was_decided(lab: Cloud) -> None:
    record = lab.existing()
    assert up.decide(lab, up.Wish(), HERE) == record
    assert up.decide(lab, up.Wish(lab=True, topology="multinode"), HERE) == record
    with pytest.raises(Refused, match="exists already: multinode, in lab nodes"):
        up.decide(lab, up.Wish(topology="allinone"), HERE)


def test_two_labs_do_not_share_addresses(lab: Cloud) -> None:
    taken = {Record(**vars(lab.existing())).number}
    for name in ("one", "two", "three"):
        number = up.decide(Cloud(name), up.Wish(), HERE).number
        assert number not in taken
        taken.add(number)
        Cloud(name).remember(Record("lab", "allinone", number))


def test_down_takes_the_lab_and_then_the_memory_of_it(
    lab: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(machine, "require_root", lambda: None)
    monkeypatch.setattr(playbook, "run", lambda cloud, names, display: ran.extend(names))
    monkeypatch.setattr(down.leftovers, "find", lambda cloud, record: ["bridge cl-try"])
    assert call(monkeypatch, "down") == 1
    assert "bridge cl-try" in capsys.readouterr().err
    assert lab.record() is not None
    monkeypatch.setattr(down.leftovers, "find", lambda cloud, record: [])
    monkeypatch.setattr("sys.argv", ["cairn", "down"])
    cli.main()
    assert ran == ["lab-destroy", "lab-destroy"]
    assert lab.record() is None


def test_ssh_to_a_node_that_is_not_there_names_those_that_are(
    lab: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "require_root", lambda: None)
    assert call(monkeypatch, "ssh", "aio", "ls", "-l") == 2
    assert "controller, network, compute1, compute2" in capsys.readouterr().err


def test_help_is_there_without_a_cloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cairn", "--help"])
    cli.main()
    assert "answer-file" in capsys.readouterr().out
