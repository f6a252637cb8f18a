"""A driver that comes with a package of somebody else's is found, and held to the same contract."""

import tomllib
from pathlib import Path

import pytest
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers import loading
from cairn.cinder.drivers.base import Host
from cairn.cinder.drivers.fake import FakeDriver
from cairn.common.settings import BadSetting

HOME = Path(__file__).parents[2] / "fixtures/example_driver"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(kind=object) -> a package is on this Python's path that offers these."""

    def install(name, **offers):
        info = tmp_path / f"site-{name}" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{kind} = {target}\n" for kind, target in offers.items()]
        (info / "entry_points.txt").write_text("".join([f"[{loading.GROUP}]\n", *lines]))
        monkeypatch.syspath_prepend(str(info.parent))

    return install


@pytest.fixture
def example(installed, monkeypatch):
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    installed("example_driver", **project["entry-points"][loading.GROUP])
    monkeypatch.syspath_prepend(str(HOME / "src"))
    return loading.load("example")


class TestExampleDriver(Contract):
    can_rename = manages_snapshots = False

    @pytest.fixture
    def make(self, example, tmp_path):
        return lambda: example("plain", str(tmp_path / "plain"), Host())

    def left(self, driver):
        return [path for path in driver.folder.rglob("*") if path.is_file()]


def test_our_own_are_found():
    assert loading.load("fake") is FakeDriver


def test_what_nobody_offers_is_refused_with_what_there_is(example):
    with pytest.raises(BadSetting, match="nothing.*example, fake, file"):
        loading.load("nothing")


def test_nobody_takes_the_place_of_ours(installed):
    installed("thief", fake="os:system")
    assert loading.load("fake") is FakeDriver


def test_two_packages_may_not_offer_the_same(installed):
    installed("one", double="a:b")
    installed("two", double="c:d")
    with pytest.raises(BadSetting, match="several"):
        loading.load("double")


def test_a_broken_package_is_told(installed):
    installed("broken", broken="not_there_at_all:Driver")
    with pytest.raises(BadSetting, match="can not be used"):
        loading.load("broken")
