"""Volumes of LVM on a Debian with a kernel of its own: role, driver, and what a hypervisor sees.

    ./cairn test acceptance lvm
"""

import json
import shlex
import subprocess
import time

import pytest
from acceptance import storage_host
from acceptance.storage_host import INSIDE, free_port, until
from fakes import disks

from cairn.cinder.drivers.base import GIB, BackendFailed, Disk

BOOK = storage_host.ROOT / "tests/acceptance/lvm_inside.yml"
ATTACHMENT = "00000000-0000-4000-8000-00000000000a"
VOLUME = "00000000-0000-4000-8000-000000000001"
PRELUDE = f"""\
import json
from cairn.cinder.drivers.base import Connector, Host, Volume
from cairn.cinder.drivers.lvm import LvmDriver
driver = LvmDriver("lvm", "cairn/volumes", Host("storage", "10.0.2.15"))
volume = Volume("{VOLUME}", 1)
def export():
    return driver.export(volume, "{ATTACHMENT}", Connector("here"))["data"]
driver.check()
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    image, seconds = storage_host.build()
    print(f"\nimage made or there in {seconds:.0f} s", flush=True)
    begun = time.monotonic()
    with storage_host.running(
        image, tmp_path_factory.mktemp("lvm"), (free_port(), free_port())
    ) as host:
        print(f"ssh after {time.monotonic() - begun:.0f} s", flush=True)
        yield host


@pytest.fixture(scope="module")
def ready(host):
    """With its pool."""
    begun = time.monotonic()
    changes = host.play(BOOK)
    print(f"role after {time.monotonic() - begun:.0f} s", flush=True)
    assert "/dev/vdc" in changes
    return host


def told(host, code):
    """What the driver there prints, as JSON."""
    return json.loads(host.run(f"{INSIDE} -c {shlex.quote(PRELUDE + code)}"))


def disk(host, data):
    """What a hypervisor opens, through the way to the machine."""
    file = {"driver": "iscsi", "transport": "tcp", "portal": f"127.0.0.1:{host.iscsi_port}",
            "target": data["target_iqn"], "lun": data["target_lun"],
            "user": data["auth_username"], "password-secret": "chap"}
    return Disk({"driver": "raw", "file": file}, {"chap": data["auth_password"]})


def test_a_run_in_check_mode_makes_nothing(host):
    assert "/dev/vdc" in host.play(BOOK, "--check")
    assert host.run("vgs --noheadings") == ""


def test_a_second_run_changes_nothing(ready):
    assert "changed=0" in ready.play(BOOK)


def test_what_guests_have_on_volumes_is_not_seen(ready):
    ready.run("lvcreate -qy -V 1G -T cairn/volumes -n theirs && "
              "vgcreate --config 'devices { scan_lvs=1 global_filter=\"a|.*|\" }' guests "
              "/dev/cairn/theirs")
    try:
        assert "guests" not in ready.run("vgs --noheadings -o vg_name; pvs --noheadings")
    finally:
        ready.run("dd if=/dev/zero of=/dev/cairn/theirs bs=1M count=2 status=none; "
                  "lvremove -qy cairn/theirs")


@pytest.mark.parametrize("kind", ["Lio", "Tgt"])
def test_the_driver_keeps_its_contract(ready, kind):
    begun = time.monotonic()
    said = ready.run(
        f"cd /cairn && {INSIDE} -m pytest -q --noconftest -p no:cacheprovider --durations 5 "
        f"-W ignore tests/acceptance/lvm_inside.py -k Test{kind}", timeout=5400)
    print(f"{said}\n{kind}: {time.monotonic() - begun:.0f} s", flush=True)


def test_a_hypervisor_sees_what_was_written_and_grows(ready, tmp_path):
    data = told(ready, "driver.create(volume); print(json.dumps(export()))")
    guest = disk(ready, data)
    disks.write(guest, 7)
    assert disks.has(guest, 7)
    with pytest.raises(BackendFailed):
        disks.size(disk(ready, data | {"auth_password": "x" * 32}))
    with Qemu(guest, tmp_path) as qemu:
        assert qemu.size() == GIB
        told(ready, "print(json.dumps(driver.extend(volume, 2)))")
        qemu.ask("block_resize", **{"node-name": "disk", "size": 2 * GIB})
        assert qemu.size() == 2 * GIB
    assert disks.size(guest) == 2 * GIB and disks.has(guest, 7)


def test_exports_come_back_after_a_power_cut(ready):
    data = told(ready, "print(json.dumps(export()))")
    disks.write(disk(ready, data), 8)
    ready.run("sync")
    ready.boot()
    assert told(ready, "print(json.dumps(export()))") == data

    def back():
        return disks.has(disk(ready, data), 8)

    until("it is served", back, 120)
    told(ready, f"driver.unexport(volume, '{ATTACHMENT}'); driver.delete(volume); print(0)")
    with pytest.raises(BackendFailed):
        disks.size(disk(ready, data))


class Qemu:
    """A machine that never starts, with the disk."""

    def __init__(self, disk, folder):
        secret = folder / "secret"
        secret.write_text(disk.secrets["chap"])
        blockdev = json.dumps({"node-name": "disk"} | dict(disk.options))
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none", "-machine",
             "pc,accel=tcg", "-object", f"secret,id=chap,file={secret}", "-blockdev", blockdev,
             "-device", "virtio-blk-pci,drive=disk", "-qmp", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert "QMP" in self.process.stdout.readline()
        self.ask("qmp_capabilities")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, command, **arguments):
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        while True:
            answer = json.loads(self.process.stdout.readline())
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def size(self):
        return self.ask("query-block")[0]["inserted"]["image"]["virtual-size"]


