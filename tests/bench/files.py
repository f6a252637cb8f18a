# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What volumes as files cost: that snapshots and clones take as long for much as for nothing, what
many volumes cost each other, and NBD beside the file itself.

    python tests/bench/files.py [FOLDER]

Needs qemu-storage-daemon. Writes a few GiB to the folder (default: a temporary one).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.exports import RunningDaemon

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import Connector, Disk, Host, Snapshot, Volume
from cairn.cinder.drivers.file import FileDriver
from cairn.common.db import new_id

DATA = 1 << 30
MANY = 500


def spent(func: Callable[[], object]) -> float:
    start = time.monotonic()
    func()
    return time.monotonic() - start


def say(name: str, figure: str) -> None:
    print(f"{name:58} {figure:>12}", flush=True)


def constant(driver: FileDriver) -> None:
    """Each as long for a volume of 1 GiB that has nothing as for one of 1 TiB with a GiB in it."""
    for size, data in ((1, 0), (1024, DATA)):
        volume = Volume(new_id(), size)
        word = f"{size} GiB, {data >> 30} GiB written"
        say(f"create, {word}", f"{spent(lambda v=volume: driver.create(v)) * 1e3:.0f} ms")
        if data:
            with driver.opened(volume, write=True) as disk:
                write(disk, data)
        snapshot, clone = Snapshot(new_id(), volume, size), Volume(new_id(), size)
        say(f"snapshot, {word}",
            f"{spent(lambda s=snapshot: driver.create_snapshot(s)) * 1e3:.0f} ms")
        say(f"clone of the snapshot, {word}",
            f"{spent(lambda c=clone, s=snapshot: driver.clone_snapshot(c, s)) * 1e3:.0f} ms")
        say(f"export, {word}", f"{spent(lambda v=volume: export(driver, v)) * 1e3:.0f} ms")
        used = Snapshot(new_id(), volume, size)
        say(f"snapshot in use, {word}",
            f"{spent(lambda s=used: driver.create_snapshot(s)) * 1e3:.0f} ms")


def export(driver: FileDriver, volume: Volume) -> Disk:
    data = driver.export(volume, new_id(), Connector(driver.host.name))["data"]
    return Disk({"driver": "raw", "file": {
        "driver": "nbd", "export": data["export"],
        "server": {"type": "unix", "path": data["socket"]}}})


def write(disk: Disk, size: int) -> None:
    words = [w for at in range(0, size, 16 << 20) for w in ("-c", f"write -P 7 {at} 16M")]
    tools.run("qemu-io", *words, "-c", "flush", tools.address(disk))


def read(disk: Disk, size: int) -> None:
    words = [w for at in range(0, size, 16 << 20) for w in ("-c", f"read {at} 16M")]
    tools.run("qemu-io", "-r", *words, tools.address(disk))


def crowd(driver: FileDriver) -> None:
    volumes = [Volume(new_id(), 1) for _ in range(MANY)]
    say(f"create, mean of {MANY}",
        f"{spent(lambda: [driver.create(v) for v in volumes]) / MANY * 1e3:.1f} ms")
    say(f"pools, {MANY} volumes", f"{spent(driver.pools) * 1e3:.1f} ms")
    say(f"check, {MANY} volumes", f"{spent(driver.check) * 1e3:.1f} ms")
    say(f"delete one of {MANY}", f"{spent(lambda: driver.delete(volumes[0])) * 1e3:.1f} ms")


def throughput(driver: FileDriver) -> None:
    """The same tool and the same layer, by the file and by the daemon."""
    def told(name: str, disk: Disk) -> None:
        say(f"write anew, {name}", f"{DATA / spent(lambda: write(disk, DATA)) / 2**20:.0f} MiB/s")
        say(f"write again, {name}", f"{DATA / spent(lambda: write(disk, DATA)) / 2**20:.0f} MiB/s")
        say(f"read, {name}", f"{DATA / spent(lambda: read(disk, DATA)) / 2**20:.0f} MiB/s")
        count = 20000
        took = spent(lambda: tools.run(
            "qemu-img", "bench", "-c", str(count), "-s", "4096", "-d", "16", "--image-opts",
            tools.dotted(disk)))
        say(f"read 4 KiB, 16 at once, {name}", f"{count / took:.0f} /s")

    volume = Volume(new_id(), 4)
    driver.create(volume)
    with driver.opened(volume, write=True) as disk:
        told("file", disk)
    volume = Volume(new_id(), 4)
    driver.create(volume)
    told("NBD by socket", export(driver, volume))


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        place = Path(folder)
        (place / "volumes").mkdir()
        daemon = RunningDaemon(place / "run")
        try:
            driver = FileDriver("file", str(place / "volumes"), Host(exports=str(place / "run")))
            driver.check()
            constant(driver)
            throughput(driver)
            crowd(driver)
        finally:
            daemon.kill()


if __name__ == "__main__":
    main()
