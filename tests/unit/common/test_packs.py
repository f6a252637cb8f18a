import os
from pathlib import Path

import pytest

from cairn.common.packs import pools

NAMES = ("glance-api", "glance-data", "keystone-api", "nova-console", "placement-api")
SIZES = {"api": (2, 16), "data": (1, 64)}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / f"{name}.conf").touch()
    return tmp_path


def test_a_pack_runs_in_pools_and_keystone_in_one_of_its_own(place: Path) -> None:
    found = {pool.name: pool for pool in pools(place, SIZES)}
    assert {name: [conf.stem for conf in pool.confs] for name, pool in found.items()} == {
        "api": ["glance-api", "placement-api"], "data": ["glance-data"],
        "identity": ["keystone-api"], "live": ["nova-console"]}
    assert [pool.name for pool in found.values() if pool.live] == ["live"]
    assert (found["api"].workers, found["data"].threads) == (2, 64)
    assert (found["identity"].workers, found["identity"].threads) == (1, 16)


def test_one_process_alone_has_the_size_of_its_pool_and_a_name_of_its_own(place: Path) -> None:
    pool, = pools(place / "glance-data.conf", SIZES)
    assert (pool.name, pool.workers, pool.threads) == ("glance-data", 1, 64)
    assert pool.owner == os.geteuid()


def test_what_is_live_is_so_alone_too(place: Path) -> None:
    pool, = pools(place / "nova-console.conf", SIZES)
    assert (pool.name, pool.live) == ("nova-console", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_pool_of_two_users_is_refused(place: Path) -> None:
    os.chown(place / "glance-api.conf", 65534, -1)
    found = {pool.name: pool for pool in pools(place, SIZES)}
    with pytest.raises(SystemExit, match="pool api"):
        assert found["api"].owner
