"""The guest image, built from Debian's packages and booted in QEMU as a cloud would boot it."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pycdlib
import pytest

from cairn.deploy.guest import USER, build

pytestmark = pytest.mark.lab

INSTANCE = "5a9c1c7e-7a7b-4d0c-9a68-3f2a0c1b8d55"
USER_DATA = """\
#!/bin/sh
echo "user data of $(hostname) by $(id -un)"
echo done >/root/user-data-ran
"""
# With the link-local network for the guest's own, QEMU can stand in for the metadata service.
NETWORK = "net=169.254.0.0/16,dhcpstart=169.254.10.10"
SERVICE = """
import pathlib, sys
path = sys.stdin.readline().split()[1]
file = pathlib.Path(sys.argv[1]) / path.replace("/", "_")
status, body = ("200 OK", file.read_text()) if file.exists() else ("404 Not Found", "")
print(f"HTTP/1.1 {status}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}", end="")
"""


class Guest:
    def __init__(self, folder: Path, key: Path, disk: str, memory: int, arguments: list[str]):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.options = ["-F", "none", "-i", str(key)]
        for option in ("BatchMode=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR"):
            self.options += ["-o", option]
        for option in ("UserKnownHostsFile=/dev/null", "ConnectTimeout=10"):
            self.options += ["-o", option]
        self.log = folder / "console"
        self.log.unlink(missing_ok=True)
        options = f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-:22,{NETWORK}"
        if (folder / "service").is_dir():
            program = f"{sys.executable} {folder / 'service.py'} {folder / 'service'}"
            options += f",guestfwd=tcp:169.254.169.254:80-cmd:{program}"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-accel", "tcg", "-m", str(memory), "-display", "none"),
                *("-nodefaults", "-vga", "std", "-serial", f"file:{self.log}"),
                *("-monitor", f"unix:{folder}/monitor,server,nowait"),
                *("-drive", f"file={disk},format=qcow2"),
                *("-netdev", options, "-device", "virtio-net-pci,netdev=n0,romfile="),
                *arguments,
            ]
        )

    def console(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> float:
        end = time.monotonic() + seconds
        while not condition():
            tail = self.console()[-2000:]
            assert time.monotonic() < end, f"waited {seconds} s; the console:\n{tail}"
            assert self.process.poll() is None, "qemu has ended"
            time.sleep(0.2)
        return time.monotonic() - self.began

    def says(self, words: str, times: int = 1) -> float:
        return self.until(lambda: self.console().count(words) >= times)

    def try_ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *("ssh", "-n", "-p", str(self.port), *self.options),
                *(f"{USER}@127.0.0.1", command),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def ssh(self, command: str) -> str:
        done = self.try_ssh(f"set -eu -o pipefail; {command}")
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def reachable(self) -> float:
        return self.until(lambda: self.try_ssh("true").returncode == 0)

    def monitor(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            monitor.sendall(command.encode() + b"\n")
            time.sleep(0.5)
            monitor.recv(65536)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "cairn-guest"
    return build(tmp_path_factory.mktemp("image"), cache)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def boot(tmp_path: Path, image: Path, key: Path) -> Iterator[Callable[..., Guest]]:
    with ExitStack() as stack:

        def start(
            *arguments: str,
            memory: int = 128,
            disk: Path | None = None,
            interface: str = "virtio",
        ) -> Guest:
            if disk is None:
                disk = make_disk(tmp_path / "disk.qcow2", image)
            guest = Guest(tmp_path, key, f"{disk},if={interface}", memory, list(arguments))
            stack.callback(guest.stop)
            return guest

        yield start


def make_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def make_disk(path: Path, image: Path) -> Path:
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"]
    subprocess.run([*command, "-b", str(image), str(path), "1G"], check=True)
    return path


def document(key: Path, **more: Any) -> str:
    public = key.with_suffix(".pub").read_text()
    return json.dumps(
        {
            "uuid": INSTANCE,
            "name": "srv one",
            "hostname": "srv-one.novalocal",
            "public_keys": {"mine": public},
            "meta": {"hostname": "not this"},
            **more,
        }
    )


def config_drive(path: Path, key: Path, user_data: str = USER_DATA, **more: Any) -> str:
    """The drive as nova makes it; QEMU's arguments that attach it as a CD-ROM."""
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="config-2")
    for folder in ("/openstack", "/openstack/latest"):
        disc.add_directory(folder, rr_name=folder.split("/")[-1], joliet_path=folder)
    for name, text in (("meta_data.json", document(key, **more)), ("user_data", user_data)):
        place = f"/openstack/latest/{name}"
        disc.add_fp(io.BytesIO(text.encode()), len(text), place, rr_name=name, joliet_path=place)
    disc.write(str(path))
    disc.close()
    return f"file={path},if=ide,media=cdrom,format=raw,readonly=on"


def serve(folder: Path, key: Path, **more: Any) -> None:
    (folder / "service.py").write_text(SERVICE)
    (folder / "service").mkdir(exist_ok=True)
    (folder / "service" / "_openstack_latest_meta_data.json").write_text(document(key, **more))
    (folder / "service" / "_openstack_latest_user_data").write_text(USER_DATA)


def test_a_config_drive_gives_name_key_and_user_data(tmp_path, boot, key):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key))
    print(f"ssh after {guest.reachable():.1f} s")
    assert guest.ssh("hostname") == "srv-one"
    assert guest.ssh("sudo id -un") == "root"
    guest.says("user data of srv-one by root")
    assert guest.ssh("sudo cat /root/user-data-ran") == "done"
    assert "BOOTED srv-one 169.254.10.10" in guest.console()
    assert "login:" in guest.console()


def test_a_metadata_service_does_so_too(tmp_path, boot, key):
    serve(tmp_path, key)
    guest = boot()
    print(f"ssh after {guest.reachable():.1f} s")
    assert guest.ssh("hostname") == "srv-one"
    guest.says("user data of srv-one by root")
    assert INSTANCE in guest.ssh("curl -s http://169.254.169.254/openstack/latest/meta_data.json")


def test_the_root_file_system_takes_the_whole_disk(tmp_path, boot, key):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key))
    guest.reachable()
    guest.until(lambda: int(guest.ssh("df -k / | awk 'NR == 2 {print $2}'")) > 900 * 1024)


def test_user_data_runs_once_in_an_instances_life(tmp_path, boot, key):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key))
    guest.says("user data: exited 0")
    guest.reachable()
    host_key = guest.ssh("sudo md5sum /etc/dropbear/dropbear_ed25519_host_key")
    guest.ssh("sudo reboot")
    guest.says("BOOTED", times=2)
    guest.reachable()
    assert guest.console().count("user data of") == 1
    assert guest.ssh("sudo md5sum /etc/dropbear/dropbear_ed25519_host_key") == host_key


def test_another_instance_of_the_disk_is_another_machine(tmp_path, boot, key):
    drive = config_drive(tmp_path / "drive.iso", key)
    guest = boot("-drive", drive)
    guest.says("user data: exited 0")
    guest.reachable()
    host_key = guest.ssh("sudo md5sum /etc/dropbear/dropbear_ed25519_host_key")
    guest.monitor("system_powerdown")
    assert guest.process.wait(30) == 0
    other = {"uuid": INSTANCE[::-1], "hostname": "srv-two"}
    drive = config_drive(tmp_path / "drive.iso", key, **other)
    guest = boot("-drive", drive, disk=tmp_path / "disk.qcow2")
    guest.says("user data of srv-two")
    guest.reachable()
    assert guest.ssh("sudo md5sum /etc/dropbear/dropbear_ed25519_host_key") != host_key


def test_disks_and_cards_come_and_go_while_it_runs(tmp_path, boot, key):
    with (tmp_path / "volume.raw").open("wb") as volume:
        volume.truncate(64 << 20)
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key))
    guest.reachable()
    guest.monitor(f"drive_add 0 file={tmp_path}/volume.raw,if=none,id=v,format=raw")
    guest.monitor("device_add virtio-blk-pci,drive=v,id=volume,serial=a-volume")
    guest.until(lambda: "vdb" in guest.ssh("lsblk -lb --nodeps"))
    for kind in ("vfat", "ext4"):
        guest.ssh(f"sudo mkfs -t {kind} /dev/vdb; sudo mount /dev/vdb /mnt")
        guest.ssh("sudo dd if=/dev/urandom of=/mnt/data bs=1024 count=100; sync; md5sum /mnt/data")
        assert kind in guest.ssh("sudo blkid /dev/vdb")
        guest.ssh("sudo umount /mnt")
    guest.monitor("device_del volume")
    guest.until(lambda: "vdb" not in guest.ssh("lsblk -lb --nodeps"))
    guest.monitor("netdev_add user,id=n1,net=10.9.0.0/24")
    guest.monitor("device_add virtio-net-pci,netdev=n1,id=card")
    guest.until(lambda: "eth1" in guest.ssh("ip link"))
    guest.ssh("sudo udhcpc -n -q -i eth1")
    assert "10.9.0.15/24" in guest.ssh("ip -o -4 addr show eth1")


@pytest.mark.parametrize("protocol", ["", "-u"])
def test_netcat_serves_as_tempest_asks_it_to(tmp_path, boot, key, protocol):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key))
    guest.reachable()
    guest.ssh(f"sudo nc {protocol} -p 80 -lk -e echo foolish &")
    ask = f"echo bar | nc -w 1 {protocol} "
    guest.until(lambda: guest.ssh(f"{ask} 127.0.0.1 80 || true") == "foolish", 20)
    assert guest.ssh(f"{ask} ::1 80") == "foolish"
    assert guest.ssh(f"{ask} 169.254.10.10 80") == "foolish"
    guest.ssh("sudo killall nc")
    assert guest.ssh(f"{ask} 127.0.0.1 80 || echo silence") in ("silence", "")


@pytest.mark.parametrize(
    "command",
    [
        "ping -c 1 -w 5 169.254.2.2",
        "ping6 -c 1 -w 5 ::1",
        "sudo ping -c 1 -w 5 -I eth0 169.254.2.2",
        "curl -V",
        "wget -V",
        "blkid -t LABEL=config-2 -o device",
        "sudo lsblk --fs --ascii",
        "cat /var/run/udhcpc.eth0.pid && sudo /bin/kill -USR1 $(cat /var/run/udhcpc.eth0.pid)",
        "grep nameserver /etc/resolv.conf",
        "sudo sh -c 'echo \"from the test\" >/dev/console'",
    ],
)
def test_the_programs_that_tests_call_are_there(guest, command):
    guest.ssh("PATH=$PATH:/sbin; " + command)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory, image: Path) -> Iterator[Guest]:
    """One that is only looked at."""
    folder = tmp_path_factory.mktemp("guest")
    key = make_key(folder / "key")
    disk = make_disk(folder / "disk.qcow2", image)
    drive = config_drive(folder / "drive.iso", key)
    running = Guest(folder, key, f"{disk},if=virtio", 128, ["-drive", drive])
    running.reachable()
    yield running
    running.stop()


def test_a_leases_mtu_routes_and_servers_are_taken(guest):
    """Played to a card that leads nowhere, with what udhcpc would put into the environment."""
    lease = "interface=eth9 ip=10.77.0.5 mask=24 mtu=1442 router=10.77.0.1 domain=novalocal"
    routes = "0.0.0.0/0 10.77.0.1 10.88.0.0/16 10.77.0.2 10.99.0.0/24 0.0.0.0"
    guest.ssh("sudo ip link add eth9 type dummy; sudo ip link set eth9 up")
    guest.ssh(
        f"sudo env {lease} staticroutes='{routes}' dns='10.77.0.3 10.77.0.4' "
        "/usr/lib/guest/lease bound"
    )
    assert "mtu 1442" in guest.ssh("ip link show eth9")
    taken = guest.ssh("ip route show dev eth9")
    assert "default via 10.77.0.1 metric 900" in taken
    assert "10.88.0.0/16 via 10.77.0.2" in taken
    assert "10.99.0.0/24 scope link" in taken
    assert "dev eth0" in guest.ssh("ip route get 8.8.8.8")
    resolv = guest.ssh("cat /etc/resolv.conf")
    assert "nameserver 10.77.0.3\nnameserver 10.77.0.4" in resolv and "search novalocal" in resolv
    guest.ssh("sudo env interface=eth9 /usr/lib/guest/lease deconfig")
    assert "10.77.0.5" not in guest.ssh("ip addr show eth9")


def test_files_can_be_copied_into_it(tmp_path, guest):
    (tmp_path / "file").write_text("brought")
    options = [*guest.options, "-P", str(guest.port)]
    command = ["scp", "-q", *options, str(tmp_path / "file"), f"{USER}@127.0.0.1:copy"]
    subprocess.run(command, check=True)
    assert guest.ssh("cat copy") == "brought"


@pytest.mark.parametrize("memory", [96, 512])
def test_it_boots_with_little_memory(tmp_path, boot, key, memory):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key), memory=memory)
    print(f"{memory} MiB: ssh after {guest.reachable():.1f} s")
    print(guest.ssh("free -m"))


@pytest.mark.parametrize(
    "devices",
    [
        ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=root,bootindex=1"],
        ["-device", "ide-hd,drive=root,bus=ide.1,bootindex=1"],
        ["-machine", "q35", "-device", "virtio-blk-pci,drive=root,bootindex=1"],
    ],
    ids=["scsi", "ide", "q35"],
)
def test_the_root_disk_may_be_on_another_bus(tmp_path, boot, key, devices):
    serve(tmp_path, key)
    guest = boot(*devices, interface="none,id=root")
    guest.reachable()


CLOUD_CONFIG = """\
#cloud-config
hostname: by-config
write_files:
- path: /opt/motd
  permissions: '0600'
  content: |
    two
      lines
runcmd:
- [sh, -c, "cat /opt/motd"]
- echo "hello from $(hostname)"
"""


def test_a_cloud_config_is_followed(tmp_path, boot, key):
    guest = boot("-drive", config_drive(tmp_path / "drive.iso", key, CLOUD_CONFIG))
    guest.says("hello from by-config")
    assert "two\n  lines" in guest.console().replace("\r", "")


def test_ssh_takes_a_password_only_if_it_is_the_instances_own(tmp_path, boot, key, guest):
    other = boot("-drive", config_drive(tmp_path / "drive.iso", key, admin_pass="it's/&"))
    other.reachable()
    assert ask_with_password(tmp_path, other, "it's/&").stdout == "guest\n"
    assert ask_with_password(tmp_path, other, "cairn").returncode != 0
    assert ask_with_password(tmp_path, guest, "cairn").returncode != 0


def ask_with_password(
    folder: Path, guest: Guest, password: str
) -> subprocess.CompletedProcess[str]:
    (folder / "password").write_text(password)
    (folder / "askpass").write_text(f"#!/bin/sh\ncat {folder}/password\n")
    (folder / "askpass").chmod(0o755)
    options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
    for option in ("UserKnownHostsFile=/dev/null", "PubkeyAuthentication=no"):
        options += ["-o", option]
    return subprocess.run(
        ["ssh", "-n", *options, "-p", str(guest.port), f"{USER}@127.0.0.1", "id -un"],
        env={
            **os.environ,
            "SSH_ASKPASS": str(folder / "askpass"),
            "SSH_ASKPASS_REQUIRE": "force",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_second_card_gets_its_lease_but_not_the_default_route(tmp_path, boot, key):
    second = "-netdev user,id=n1,net=10.9.0.0/24 -device virtio-net-pci,netdev=n1,romfile="
    drive = config_drive(tmp_path / "drive.iso", key)
    guest = boot("-drive", drive, *second.split())
    guest.reachable()
    guest.until(lambda: "10.9.0.15/24" in guest.ssh("ip -o -4 addr show eth1"))
    assert "dev eth0" in guest.ssh("ip route get 8.8.8.8")
