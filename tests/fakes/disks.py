"""What is in a disk, written and read by QEMU's own tools."""

import json
import subprocess

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import Disk

MIB = 1 << 20


def write(disk, byte, offset=0, length=MIB):
    told = _io(disk, f"write -P {byte} {offset} {length}")
    assert f"wrote {length}/{length} bytes" in told, told


def has(disk, byte, offset=0, length=MIB):
    """Whether all of it is that byte."""
    told = _io(disk, f"read -P {byte} {offset} {length}", "-r")
    assert f"read {length}/{length} bytes" in told, told
    return "Pattern verification failed" not in told


def _io(disk, command, *words):
    objects = []
    for name, content in disk.secrets.items():
        objects += ["--object", f"secret,id={name},data={content.replace(',', ',,')}"]
    done = subprocess.run(["qemu-io", *objects, *words, "-c", command, tools.address(disk)],
                          capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def size(disk):
    told = tools.run("qemu-img", "info", "--output=json", tools.address(disk),
                     secrets=disk.secrets)
    return json.loads(told)["virtual-size"]


def guest(info):
    """What a guest opens, by its connection information."""
    data = info["data"]
    kind = info["driver_volume_type"]
    if kind in ("fake", "local"):
        return Disk({"driver": "raw", "file": {
            "driver": "file", "filename": data["device_path"], "locking": "off"}})
    if kind == "nbd":
        server = {"type": "unix", "path": data["socket"]}
        return Disk({"driver": "raw", "file": {
            "driver": "nbd", "server": server, "export": data["export"]}})
    raise AssertionError(f"nobody opens {kind}")
