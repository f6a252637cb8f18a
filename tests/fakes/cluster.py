"""A Ceph cluster that tests may use, where there is one, and the way to it.

CAIRN_TEST_RBD_VOLUMES and CAIRN_TEST_RBD_IMAGES name a pool for each, as POOL:USER[:CONF]. Both
have to be empty, and are afterwards. The bindings are the distribution's, here as well.
"""

import importlib.util
import os
import sys
from pathlib import Path

from cairn.cinder.drivers.ceph import CONF
from cairn.cinder.drivers.rbd import RbdDriver
from cairn.glance.drivers import rbd as rbd_store

VOLUMES = os.environ.get("CAIRN_TEST_RBD_VOLUMES", "")
IMAGES = os.environ.get("CAIRN_TEST_RBD_IMAGES", "")
PACKAGES = Path("/usr/lib/python3/dist-packages")


def driver(host=None):
    return RbdDriver("ceph", VOLUMES, host)


def store(monkeypatch):
    pool, user, conf = [*IMAGES.split(":", 2), "", ""][:3]
    monkeypatch.setattr(rbd_store, "CONF", conf or CONF)
    return rbd_store.RbdStore("ceph", f"{pool}:{user}")


def bind():
    """Make `rados` and `rbd` known to this interpreter."""
    for name in ("rados", "rbd"):
        if importlib.util.find_spec(name):
            continue
        file = next(PACKAGES.glob(f"{name}.*.so"))
        spec = importlib.util.spec_from_file_location(name, file)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


if VOLUMES or IMAGES:
    bind()
