#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_osds
short_description: Have the stores of a host's OSDs
version_added: 0.1.0
description:
  - Makes a BlueStore on each device or file that has none yet, and says which OSD it is. Daemons
    are not started.
  - An OSD is recognised by its host and path. A device that holds anything is refused, never wiped.
  - Nothing is ever removed; an OSD that is no longer named goes on.
options:
  paths:
    description: A device below C(/dev), by a name that lasts (C(/dev/disk/by-id)), or a file, each.
    type: list
    elements: path
    required: true
  file_size:
    description: Size in bytes of a file that is made. It takes room as it is filled.
    type: int
    required: true
  host:
    description: The host's name.
    type: str
    required: true
  fsid:
    description: The cluster.
    type: str
    required: true
  secret:
    description: The secret that keys follow from.
    type: str
    required: true
  directory:
    description: Where OSDs' directories are.
    type: path
    default: /var/lib/ceph/osd
attributes:
  check_mode: {support: full, description: Reports what would be made.}
  diff_mode: {support: full, description: Shows the OSD of each path.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The host's disks are OSDs
  cairn.cloud.ceph_osds:
    paths: [/dev/disk/by-id/nvme-one, /dev/disk/by-id/nvme-two]
    file_size: 0
    host: storage1
    fsid: "{{ ceph_fsid }}"
    secret: "{{ cloud_secrets.ceph_secret }}"
"""

RETURN = r"""
ids:
  description: The numbers of the OSDs, in the order of the paths.
  type: list
  elements: int
  returned: always
"""

import glob
import json
import os
import shutil
import stat
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.ceph import (
    Cluster,
    Refused,
    Unreachable,
    key,
)
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

BOOTSTRAP = "/var/lib/ceph/bootstrap-osd/ceph.keyring"

DEVICES = "/dev/"
# What a BlueStore begins with; then comes whose it is.
LABEL = b"bluestore block device\n"


class InTheWay(Exception):
    """A path that can not become an OSD."""


def identity(fsid, host, path):
    """The OSD's own id, the same whenever it is asked for."""
    return str(uuid.uuid5(uuid.UUID(fsid), f"{host}:{path}"))


def look(directory):
    """The number of each OSD whose store is whole, by its own id."""
    stores = {}
    for ready in glob.glob(os.path.join(directory, "ceph-*", "ready")):
        place = os.path.dirname(ready)
        with open(os.path.join(place, "fsid"), encoding="ascii") as file:
            stores[file.read().strip()] = int(place.rpartition("-")[2])
    return stores


def examine(module, identifier, path):
    """Refuse what is somebody else's. Raises InTheWay."""
    if not path.startswith(DEVICES):
        return
    if not os.path.exists(path) or not stat.S_ISBLK(os.stat(path).st_mode):
        raise InTheWay(f"{path} is no block device")
    with open(path, "rb") as device:
        if device.read(len(LABEL) + len(identifier)) == LABEL + identifier.encode():
            return  # Begun by a run that was killed.
    # It ends with 2 when there is nothing that it knows.
    rc, out, _err = module.run_command(["blkid", "--probe", path])
    if rc != 2:
        what = out.strip() or "something that blkid can not tell"
        raise InTheWay(f"{path} holds something ({what}); if nobody needs it, run on this host:"
                       f" wipefs --all {path}")


def make(module, cluster, identifier, path):
    """One OSD. Any step may be repeated: a half-made store is thrown away."""
    params, secret = module.params, key(module.params["secret"], identifier)
    answer = cluster.ask("osd new", json.dumps({"cephx_secret": secret}), uuid=identifier)
    number = answer["osdid"]
    place = os.path.join(params["directory"], f"ceph-{number}")
    shutil.rmtree(place, ignore_errors=True)
    os.mkdir(place, mode=0o750)
    if not path.startswith(DEVICES):
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        with open(path, "wb") as file:
            os.truncate(file.fileno(), params["file_size"])
        shutil.chown(os.path.dirname(path), "ceph", "ceph")
        os.chmod(path, 0o600)
    os.symlink(path, os.path.join(place, "block"))
    with open(os.path.join(place, "keyring"), "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"[osd.{number}]\n\tkey = {secret}\n")
    for owned in (path, place, os.path.join(place, "keyring")):
        shutil.chown(owned, "ceph", "ceph")
    module.run_command(
        ["ceph-osd", "--mkfs", "--setuser", "ceph", "--setgroup", "ceph", "--id", str(number),
         "--osd-objectstore", "bluestore", "--osd-uuid", identifier],
        check_rc=True,
    )
    return number


def main():
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "file_size": {"type": "int", "required": True},
            "host": {"type": "str", "required": True},
            "fsid": {"type": "str", "required": True},
            "secret": {"type": "str", "required": True, "no_log": True},
            "directory": {"type": "path", "default": "/var/lib/ceph/osd"},
        },
        supports_check_mode=True,
    )
    params = module.params
    paths = {identity(params["fsid"], params["host"], path): path for path in params["paths"]}
    stores = look(params["directory"])
    missing = {one: path for one, path in paths.items() if one not in stores}

    def act():
        for one, path in missing.items():
            examine(module, one, path)
        cluster = Cluster("client.bootstrap-osd", BOOTSTRAP)
        for one, path in missing.items():
            stores[one] = make(module, cluster, one, path)
        ids[:] = [stores[one] for one in paths]

    ids = [stores[one] for one in paths if one in stores]
    before = {"made": sorted(path for one, path in paths.items() if one in stores)}
    after = {"made": sorted(paths.values())}
    try:
        converge(module, before, after, act, ids=ids)
    except (InTheWay, Unreachable, Refused, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
