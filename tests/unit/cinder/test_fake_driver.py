"""The fake backend is one like the others, and fails when tests tell it to."""

import pytest
from unit.cinder.driver_contract import Contract

from cairn.cinder.drivers.base import NoRoom, Volume
from cairn.cinder.drivers.fake import FakeDriver
from cairn.common.db import new_id


class TestFakeDriver(Contract):
    @pytest.fixture
    def make(self, tmp_path):
        return lambda: FakeDriver("fake", str(tmp_path))

    def left(self, driver):
        return [path for path in driver.folder.rglob("*") if path.is_file()]

    def test_it_has_a_folder_of_its_own(self):
        driver = FakeDriver("fake")
        self.volume(driver)
        assert driver.folder.is_dir() and FakeDriver("fake").pools()[0].total_volumes == 0

    def test_it_can_be_full(self, driver):
        driver.capacity_gb = 2
        self.volume(driver)
        with pytest.raises(NoRoom):
            self.volume(driver, 2)
        assert driver.pools()[0].free_capacity_gb == 1

    @pytest.mark.parametrize("moment", ["create", "create half", "create done"])
    def test_a_hook_fails_it(self, driver, moment):
        volume, heard = Volume(new_id(), 1), []

        def hook(now, id_):
            heard.append((now, id_))
            if now == moment:
                raise NoRoom(reason="told so")

        driver.hook = hook
        with pytest.raises(NoRoom):
            driver.create(volume)
        assert heard[-1] == (moment, volume.id)
        assert (list(driver.stray(set(), set())) != []) == (moment == "create done")
