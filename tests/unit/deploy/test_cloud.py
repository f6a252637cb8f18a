import os
import stat

import pytest

from cairn.deploy import cloud as clouds
from cairn.deploy.cloud import Cloud, Record
from cairn.deploy.errors import Failed, Refused


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a/b", "../x", "a" * 12, "a\n"])
def test_a_name_that_cannot_be_an_interfaces_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        Cloud(name)


def test_what_was_decided_is_remembered_for_root_only(cloud: Cloud) -> None:
    assert cloud.record() is None
    cloud.remember(Record("lab", "multinode", number=3))
    assert cloud.record() == Record("lab", "multinode", number=3)
    assert stat.S_IMODE(cloud.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((cloud.directory / "cloud.json").stat().st_mode) == 0o600


def test_a_damaged_record_is_named(lab: Cloud) -> None:
    (lab.directory / "cloud.json").write_text("{")
    with pytest.raises(Failed, match="damaged"):
        lab.record()


def test_a_cloud_that_is_not_there_is_told_with_those_that_are(lab: Cloud) -> None:
    with pytest.raises(Failed, match="no cloud named 'other' here .there is: try."):
        Cloud("other").existing()


def test_the_only_cloud_is_meant_when_none_is_named(lab: Cloud) -> None:
    assert clouds.chosen(None) == lab
    Cloud("second").remember(Record("lab", "allinone"))
    assert clouds.chosen(None) == Cloud("cairn")
    assert clouds.chosen("second") == Cloud("second")


def test_a_forgotten_cloud_leaves_nothing(lab: Cloud) -> None:
    lab.forget()
    assert not clouds.home().exists()
    assert clouds.every() == []


def test_two_commands_do_not_change_one_cloud_at_once(cloud: Cloud) -> None:
    with cloud.lock():
        with pytest.raises(Failed, match=f"process {os.getpid()}"), cloud.lock():
            pass
        with Cloud("other").lock():
            pass
    with cloud.lock():
        pass


def test_a_file_is_never_readable_by_others_while_it_is_written(cloud: Cloud) -> None:
    cloud.remember(Record("lab", "allinone"))
    path = cloud.directory / "secret"
    old = os.umask(0)
    try:
        clouds.write(path, "one")
        clouds.write(path, "two")
    finally:
        os.umask(old)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in cloud.directory.iterdir()) == ["cloud.json", "secret"]
