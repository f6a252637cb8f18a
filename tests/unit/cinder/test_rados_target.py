"""Backups in a pool of a Ceph cluster, where there is one, as in test_backup_targets.py."""

import os
import types

import pytest
from fakes import deaths
from unit.cinder.target_contract import Contract

from cairn.cinder.drivers import ceph
from cairn.cinder.volume.backups.targets import rados
from cairn.cinder.volume.backups.targets.rados import Rados

# POOL:USER[:CONF], a pool with nothing in it.
POOL = os.environ.get("CAIRN_TEST_RBD_BACKUPS", "")

if not POOL:
    pytest.skip("no Ceph: CAIRN_TEST_RBD_BACKUPS names no pool", allow_module_level=True)


class TestCeph(Contract):
    """Its changes are seen by a wrapper: a library makes them."""

    @pytest.fixture
    def make(self, monkeypatch):
        module, rbd = ceph.bindings()

        class Ioctx:
            def __init__(self, ioctx):
                self._ioctx = ioctx

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self._ioctx.close()

            def __getattr__(self, name):
                if name in ("write_full", "remove_object", "operate_write_op"):
                    deaths.effect()
                return getattr(self._ioctx, name)

        class Connection(module.Rados):
            def open_ioctx(self, pool):
                return Ioctx(super().open_ioctx(pool))

        seen = types.SimpleNamespace(**{**vars(module), "Rados": Connection})
        for place in (ceph, rados):
            monkeypatch.setattr(place, "bindings", lambda: (seen, rbd))
        yield lambda: Rados(POOL)
        target = Rados(POOL)
        for kept in list(target.inventory()):
            target.remove(kept)

    @pytest.fixture
    def full(self):
        pytest.skip("a quota is noticed after a while")

    def left(self, target):
        """The pool as it lists itself."""
        with target.ceph.opened() as (_, ioctx):
            there = [each.key for each in ioctx._ioctx.list_objects()]
        return [name for name in there if name != rados.BACKUPS] + [
            kept.id for kept in target.inventory()]
