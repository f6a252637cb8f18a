"""A Debian 12 with a kernel of its own, for what the lab's nodes have not: device-mapper, and the
kernel's iSCSI and NFS. It is made by mmdebstrap, and run by QEMU with an emulated processor.

What is under test comes as a second disk: the tree, and the libraries of the Python that runs this.
Both are Debian 12, so that these fit.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from acceptance import debian

from cairn.deploy import packages
from cairn.deploy.checkout import ROOT
from cairn.deploy.guest.packages import kernel_name, offered
from cairn.deploy.guest.run import run

CACHE = Path("/var/cache/cairn/storage-host")
# What roles install is here already: the machine has no way to packages.
INCLUDE = (
    debian.KERNEL, "ca-certificates", "dbus", "e2fsprogs", "eatmydata", "initramfs-tools",
    "iproute2", "kmod", "lvm2", "netbase", "nfs-common", "nfs-kernel-server", "openssh-server",
    "procps", "python3", "python3-apt", "qemu-block-extra", "qemu-system-common", "qemu-utils",
    "systemd-sysv",
    "tgt", "thin-provisioning-tools", "udev", "zstd",
)
# How the tree's Python is run there.
INSIDE = ("PYTHONDONTWRITEBYTECODE=1 "
          "PYTHONPATH=/cairn/services:/cairn/collections:/cairn/tests:/cairn/libraries python3")
MIB = 2560
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")
CONSOLE = "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off " \
    "random.trust_cpu=on net.ifnames=0 audit=0 apparmor=0 cryptomgr.notests"
FINISH = """
set -e
printf '[Match]\\nName=e*\\n[Network]\\nDHCP=ipv4\\n' > "$1"/etc/systemd/network/10-e.network
echo storage > "$1"/etc/hostname
echo '127.0.0.1 localhost storage' > "$1"/etc/hosts
printf '/dev/vda / ext4 noatime 0 1\\n/dev/vdb /cairn ext4 ro 0 2\\n' > "$1"/etc/fstab
mkdir -p "$1"/cairn
echo 'AuthorizedKeysFile /cairn/authorized_keys' > "$1"/etc/ssh/sshd_config.d/cairn.conf
echo 'root:*' | chroot "$1" chpasswd -e
systemctl --quiet --root "$1" enable systemd-networkd.service
systemctl --quiet --root "$1" mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    fstrim.timer getty@tty1.service systemd-networkd-wait-online.service tgt.service
systemctl --quiet --root "$1" disable nfs-server.service rpcbind.service rpcbind.socket
sed -i 's/^MODULES=.*/MODULES=list/;s/^COMPRESS=.*/COMPRESS=zstd/' \
    "$1"/etc/initramfs-tools/initramfs.conf
printf '%s\\n' MODULE_NAMES > "$1"/etc/initramfs-tools/modules
chroot "$1" update-initramfs -u
""".replace("MODULE_NAMES", " ".join(MODULES))


def build(cache: Path = CACHE) -> tuple[Path, float]:
    """The folder of disk, kernel and initrd, and the seconds it took; made anew only if the recipe
    or a package that it names has changed."""
    begun = time.monotonic()
    packages.install(["mmdebstrap", "qemu-utils", "qemu-system-x86", "qemu-block-extra",
                      "e2fsprogs", "openssh-client"])
    packages.update()
    folder = cache / fingerprint()
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=cache) as work:
            whole = Path(work) / "whole"
            whole.mkdir()
            make(whole, Path(work))
            for other in set(cache.iterdir()) - {Path(work)}:
                shutil.rmtree(other)
            whole.rename(folder)
    return folder, time.monotonic() - begun


def fingerprint() -> str:
    total = hashlib.sha256(repr((INCLUDE, FINISH, MIB, debian.DPKG)).encode())
    for package in sorted(offered([*INCLUDE, kernel_name(debian.KERNEL)]), key=lambda p: p.name):
        total.update(f"{package.file} {package.digest}\n".encode())
    return total.hexdigest()[:16]


def make(target: Path, work: Path) -> None:
    root, raw = work / "root", work / "disk.raw"
    debian.bootstrap(root, work, INCLUDE, FINISH)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(next((root / "boot").glob(f"{name}-*")), target / name)
    filled(raw, root, MIB)
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, target / "disk.qcow2")


def filled(disk: Path, folder: Path, mib: int) -> None:
    with disk.open("wb") as file:
        file.truncate(mib << 20)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, disk)


@dataclass
class StorageHost:
    """One that runs, as ssh and iSCSI reach it from here."""

    folder: Path
    ssh_port: int
    iscsi_port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def options(self) -> list[str]:
        words = ("BatchMode=yes", "LogLevel=ERROR", "StrictHostKeyChecking=no",
                 "UserKnownHostsFile=/dev/null", "ConnectTimeout=30", "ServerAliveInterval=15",
                 f"IdentityFile={self.folder}/key", "ControlMaster=auto", "ControlPersist=120",
                 f"ControlPath={self.folder}/control")
        return [part for word in words for part in ("-o", word)]

    def run(self, command: str, timeout: float = 300, text: str = "") -> str:
        """What a shell there prints. Raises CalledProcessError, with what it said."""
        done = subprocess.run(
            ["ssh", *self.options(), "-p", str(self.ssh_port), "root@127.0.0.1", command],
            input=text, capture_output=True, text=True, check=False, timeout=timeout)
        if done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def reachable(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"QEMU ended: {(self.folder / 'qemu.log').read_text()}")
        try:
            return self.run("true", 60) == ""
        except (AssertionError, subprocess.TimeoutExpired):
            return False

    def play(self, book: Path, *options: str) -> str:
        """What ansible-playbook prints."""
        inventory = self.folder / "inventory"
        inventory.write_text(
            f"storage ansible_host=127.0.0.1 ansible_port={self.ssh_port} ansible_user=root "
            "ansible_python_interpreter=/usr/bin/python3\n")
        done = subprocess.run(
            ["ansible-playbook", "-i", inventory, "--diff", *options, book], cwd=ROOT, text=True,
            capture_output=True, check=False, timeout=900,
            env=os.environ | {
                "ANSIBLE_SSH_ARGS": " ".join(self.options()), "ANSIBLE_PIPELINING": "true",
                "ANSIBLE_ROLES_PATH": str(ROOT / "roles"), "ANSIBLE_NOCOLOR": "true"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def boot(self) -> None:
        """It goes down as by a power cut, and comes back."""
        before = self.run("cat /proc/sys/kernel/random/boot_id")
        self.run("(sleep 1; echo b > /proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &")
        until("it is back", lambda: self.again(before))

    def again(self, before: str) -> bool:
        subprocess.run(["ssh", *self.options(), "-p", str(self.ssh_port), "-O", "exit",
                        "root@127.0.0.1"], capture_output=True, check=False)
        try:
            return self.run("cat /proc/sys/kernel/random/boot_id", 60) != before
        except (AssertionError, subprocess.TimeoutExpired):
            return False


def until(what: str, done, patience: float = 600) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, f"not in {patience} s: {what}"
        time.sleep(1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def tree(folder: Path) -> Path:
    """The disk with what is under test."""
    copy, disk = folder / "tree", folder / "tree.raw"
    for name in ("services", "collections", "roles", "tests"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copy(folder / "key.pub", copy / "authorized_keys")
    shutil.copytree(sysconfig.get_path("purelib"), copy / "libraries", symlinks=True,
                    ignore=shutil.ignore_patterns("mypy*", "*mypyc*", "pip", "tempest*"))
    filled(disk, copy, 640)
    shutil.rmtree(copy)
    return disk


@contextmanager
def running(image: Path, folder: Path, ports: tuple[int, int]):
    """A StorageHost with 8 GiB of disks for a volume group; everything goes with it."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
    disk, spare = folder / "disk.qcow2", folder / "spare.raw"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image / "disk.qcow2", disk)
    with spare.open("wb") as file:
        file.truncate(8 << 30)
    forward = ",".join(f"hostfwd=tcp:127.0.0.1:{port}-:{to}"
                       for port, to in zip(ports, (22, 3260), strict=True))
    drives = [("qcow2", disk), ("raw", tree(folder)), ("raw", spare)]
    command = [
        "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m",
        "1536", "-nodefaults", "-display", "none", "-kernel", image / "vmlinuz", "-initrd",
        image / "initrd.img", "-append", CONSOLE, "-nic", f"user,model=virtio,{forward}",
        "-serial", f"file:{folder}/console", "-device", "virtio-rng-pci",
    ]
    for kind, path in drives:
        command += ["-drive", f"file={path},format={kind},if=virtio,cache=unsafe,discard=unmap"]
    with (folder / "qemu.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    host = StorageHost(folder, *ports, process)
    try:
        until("ssh", host.reachable)
        yield host
    finally:
        process.kill()
        process.wait()
