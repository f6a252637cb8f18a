"""Volumes as files while guests use them: a real daemon, a real guest's QEMU, and deaths of all."""

import datetime
import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fakes import deaths, disks

from cairn.cinder.drivers import layers as layering
from cairn.cinder.drivers.base import (
    GIB,
    BackendFailed,
    Connector,
    Disk,
    Host,
    NotSupported,
    Snapshot,
    Volume,
)
from cairn.cinder.drivers.daemon import Qmp
from cairn.cinder.drivers.file import FileDriver
from cairn.common.db import new_id

MIB = disks.MIB
HERE = Connector("localhost")


@pytest.fixture
def make(tmp_path, daemon):
    folder = tmp_path / "volumes"
    folder.mkdir()
    return lambda **facts: FileDriver("file", str(folder), Host(exports=str(daemon.folder),
                                                                **facts))


@pytest.fixture
def driver(make):
    return make()


@pytest.fixture
def volume(driver):
    volume = Volume(new_id(), 1)
    driver.create(volume)
    return volume


@pytest.fixture
def guest(driver, volume):
    """What a guest that has the volume opens."""
    return disks.guest(driver.export(volume, new_id(), HERE))


def depth(driver, volume):
    return len(driver.layers.chain(driver.layers.pointed("volumes", volume.id).layer))


@contextmanager
def qemu(info, **more):
    """A guest's QEMU that has the disk, as libvirt gives it one; its monitor."""
    node = {"driver": "nbd", "node-name": "nbd", **more,
            "export": info["data"]["export"],
            "server": {"type": "unix", "path": info["data"]["socket"]}}
    disk = {"driver": "raw", "node-name": "disk", "file": "nbd"}
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-m", "64", "-display", "none", "-S",
         "-chardev", f"socket,id=qmp,fd={its.fileno()}", "-mon", "chardev=qmp,mode=control",
         "-blockdev", json.dumps(node), "-blockdev", json.dumps(disk),
         "-device", "virtio-blk-pci,drive=disk,id=vda,bootindex=1,rerror=stop,werror=stop"],
        pass_fds=[its.fileno()], stdout=subprocess.DEVNULL)
    its.close()
    monitor = object.__new__(Qmp)
    ours.settimeout(60)
    monitor._socket, monitor._file = ours, ours.makefile("rw", encoding="utf-8")
    try:
        monitor._read()
        monitor.execute("qmp_capabilities")
        yield monitor
    finally:
        monitor.close()
        process.kill()
        process.wait()


def io(monitor, command):
    """As the guest's own disk does it."""
    told = monitor.execute("human-monitor-command", command_line=(
        f'qemu-io -d /machine/peripheral/vda/virtio-backend "{command}"'))
    assert not told, told


def size_of_guest(monitor):
    return {node["node-name"]: node["image"]["virtual-size"]
            for node in monitor.execute("query-named-block-nodes", flat=True)}["disk"]


needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None,
                                reason="needs qemu-system-x86_64, of Debian's qemu-system-x86")


@needs_qemu
def test_a_running_guest_gets_the_new_size(driver, volume):
    info = driver.export(volume, new_id(), HERE)
    with qemu(info, **{"reconnect-delay": 60}) as monitor:
        io(monitor, "write -P 7 0 1M")
        driver.extend(volume, 2)
        # Its QEMU finds the connection gone with the next thing it reads, connects again, and may
        # be told of what it finds there.
        io(monitor, "read 0 512")
        monitor.execute("block_resize", node_name="disk", size=2 * GIB)
        assert size_of_guest(monitor) == 2 * GIB
        io(monitor, f"write -P 8 {2 * GIB - MIB} 1M")
    guest = disks.guest(info)
    assert disks.has(guest, 7) and disks.has(guest, 8, 2 * GIB - MIB)


@needs_qemu
def test_a_running_guest_outlives_the_daemon(driver, volume, daemon):
    info = driver.export(volume, new_id(), HERE)
    with qemu(info, **{"reconnect-delay": 60}) as monitor:
        io(monitor, "write -P 7 0 1M")
        io(monitor, "flush")
        daemon.kill()
        daemon.start()
        driver.check()
        io(monitor, "write -P 8 1M 1M")
    assert disks.has(disks.guest(info), 7) and disks.has(disks.guest(info), 8, MIB)


@needs_qemu
def test_a_guest_that_does_not_wait_stops_and_goes_on(driver, volume):
    """libvirt 9.0 can not tell QEMU to wait. The first requests after the connection broke fail;
    with rerror=stop the guest does not learn of it, but stops, and repeats them when it goes on."""
    info = driver.export(volume, new_id(), HERE)
    with qemu(info) as monitor:
        driver.extend(volume, 2)
        monitor.execute("cont")  # Its firmware reads the disk.
        while (status := monitor.execute("query-status")["status"]) != "io-error":
            assert status == "running"
        tell(monitor, 2 * GIB)
        while monitor.execute("query-status")["status"] == "io-error":
            monitor.execute("cont")
        assert size_of_guest(monitor) == 2 * GIB


@needs_qemu
def test_who_tells_a_guest_makes_the_requests_that_fail(driver, volume):
    """Then none of the guest's does."""
    info = driver.export(volume, new_id(), HERE)
    with qemu(info) as monitor:
        driver.extend(volume, 2)
        tell(monitor, 2 * GIB)
        assert size_of_guest(monitor) == 2 * GIB
        io(monitor, f"write -P 8 {2 * GIB - MIB} 1M")
    assert disks.has(disks.guest(info), 8, 2 * GIB - MIB)


def tell(monitor, size):
    """Make requests until it has connected again, and knows the size."""
    for _ in range(100):
        monitor.execute("human-monitor-command", command_line=(
            'qemu-io -d /machine/peripheral/vda/virtio-backend "read 0 512"'))
        try:
            return monitor.execute("block_resize", node_name="disk", size=size)
        except BackendFailed as failure:
            assert "Cannot grow" in str(failure)
            time.sleep(0.05)
    raise AssertionError("it does not come back")


def test_what_shall_be_exported_is_again_when_the_daemon_is_new(driver, make, volume, daemon):
    infos = [driver.export(volume, new_id(), HERE),
             driver.export(volume, new_id(), Connector("localhost", read_only=True))]
    disks.write(disks.guest(infos[0]), 7)
    daemon.kill()
    with pytest.raises(BackendFailed):
        driver.check()
    daemon.start()
    make().check()
    assert all(disks.has(disks.guest(info), 7) for info in infos)
    with pytest.raises(AssertionError):
        disks.write(disks.guest(infos[1]), 8)
    assert [info["data"]["access_mode"] for info in infos] == ["rw", "ro"]


def test_a_volume_that_is_broken_keeps_no_other_from_being_exported_again(driver, make, daemon):
    made = sorted((Volume(new_id(), 1) for _ in range(2)), key=lambda volume: volume.id)
    for volume in made:
        driver.create(volume)
    broken, whole = made
    driver.export(broken, new_id(), HERE)
    info = driver.export(whole, new_id(), HERE)
    disks.write(disks.guest(info), 7)
    daemon.kill()
    pointer = driver.layers.pointed("volumes", broken.id)
    driver.layers.path(pointer.layer).unlink()
    daemon.start()
    with pytest.raises(BackendFailed, match=broken.id):
        make().check()
    assert disks.has(disks.guest(info), 7)


def test_who_comes_as_it_starts_is_answered(daemon):
    """One in thirty was not, as long as nobody was waited for."""
    for _ in range(40):
        daemon.kill()
        daemon.start()
        for _ in range(3):
            Qmp(daemon.control).close()


def test_who_comes_while_it_talks_to_others_waits(driver, volume, daemon):
    """Of those that it has no time for it lets two wait, and the kernel sends others away."""
    talking = Qmp(daemon.control)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for each in waiting:
        each.connect(str(daemon.control))
    with socket.socket(socket.AF_UNIX) as third:
        third.setblocking(False)
        with pytest.raises(BlockingIOError):
            third.connect(str(daemon.control))
    ends = threading.Timer(0.5, lambda: [each.close() for each in (talking, *waiting)])
    ends.start()
    assert driver.export(volume, new_id(), HERE)["data"]["export"]
    ends.join()


def test_without_a_daemon_an_export_fails_and_nothing_stays(driver, volume, daemon):
    daemon.kill()
    attachment = new_id()
    with pytest.raises(BackendFailed):
        driver.export(volume, attachment, HERE)
    driver.unexport(volume, attachment)
    assert driver.exports() == set()
    driver.delete(volume)


def test_guests_of_other_hosts_are_told_where_there_is_no_address(driver, volume):
    with pytest.raises(NotSupported, match="own guests only"):
        driver.export(volume, new_id(), Connector("elsewhere"))


def test_what_is_used_is_not_deleted_reverted_nor_renamed(driver, volume, guest):
    snapshot = Snapshot(new_id(), volume, 1)
    driver.create_snapshot(snapshot)
    for attempt in (lambda: driver.delete(volume), lambda: driver.revert(volume, snapshot),
                    lambda: driver.rename(volume, new_id()), lambda: driver.unmanage(volume)):
        with pytest.raises(BackendFailed, match="in use"):
            attempt()
    disks.write(guest, 1)


ACTIONS = {
    "create_snapshot": lambda d, v, s, f: d.create_snapshot(Snapshot(f.id, v, 1)),
    "extend": lambda d, v, s, f: d.extend(v, 2),
    "delete_snapshot": lambda d, v, s, f: d.delete_snapshot(s),
}


@pytest.mark.parametrize(("action", "survives"), [
    ("create_snapshot", True), ("create_snapshot", False), ("extend", True), ("extend", False),
    ("delete_snapshot", True)])
def test_a_process_that_dies_while_a_guest_writes(
    make, daemon, monkeypatch, action, survives
):
    """Nothing that the guest wrote is lost, be it before or after, and its export is there."""
    execute = Qmp.execute

    def spy(self, command, **arguments):
        if not command.startswith("query"):
            deaths.effect()
        return execute(self, command, **arguments)

    monkeypatch.setattr(Qmp, "execute", spy)
    for effects in range(200):
        driver = make()
        volume, fresh, attachment = Volume(new_id(), 1), Volume(new_id(), 1), new_id()
        snapshot = Snapshot(new_id(), volume, 1)
        driver.create(volume)
        guest = disks.guest(driver.export(volume, attachment, HERE))
        disks.write(guest, 1)
        driver.create_snapshot(snapshot)
        disks.write(guest, 2, MIB)
        # With it there is something to merge while the guest writes.
        second = Snapshot(new_id(), volume, 1)
        if action == "delete_snapshot":
            driver.create_snapshot(second)
        do = ACTIONS[action]
        ended = not deaths.died(lambda: do(make(), volume, snapshot, fresh), effects)  # noqa: B023
        if {attachment} <= _exported(driver):  # It may just have been thrown out.
            disks.write(guest, 3, 2 * MIB)
            late = 3
        else:
            late = 0
        if not survives:
            daemon.kill()
            daemon.start()
        driver = make()
        driver.check()
        assert [disks.has(guest, b, o * MIB) for o, b in enumerate((1, 2, late))] == [True] * 3
        do(driver, volume, snapshot, fresh)
        disks.write(guest, 4, 3 * MIB)
        assert [disks.has(guest, b, o * MIB) for o, b in enumerate((1, 2, late, 4))] == [True] * 4
        if action != "delete_snapshot":
            with driver.opened(snapshot) as disk:
                assert disks.has(disk, 1) and disks.has(disk, 0, MIB)
        else:
            assert depth(driver, volume) == 2
            with driver.opened(second) as disk:
                assert disks.has(disk, 2, MIB) and disks.has(disk, 0, 2 * MIB)
        driver.unexport(volume, attachment)
        for other in (snapshot, second, Snapshot(fresh.id, volume, 1)):
            driver.delete_snapshot(other)
        for other in (volume, fresh):
            driver.delete(other)
        with driver.daemon.talk() as talk:
            assert not talk.nodes() and not talk.exports()
        assert list((driver.folder / "layers").iterdir()) == []
        if ended:
            assert effects
            return
    raise AssertionError("it does not come to its end")


def _exported(driver):
    with driver.daemon.talk() as talk:
        return talk.exports().keys()


def test_backups_of_a_used_volume_leave_no_layers(driver, volume, guest):
    for byte in range(1, 7):
        disks.write(guest, byte, byte * MIB)
        with driver.opened(volume) as disk:
            disks.write(guest, byte, 10 * MIB)
            assert disks.has(disk, byte, byte * MIB)
        driver.tidy()
    assert depth(driver, volume) <= 3
    assert all(disks.has(guest, byte, byte * MIB) for byte in range(1, 7))
    assert disks.has(guest, 6, 10 * MIB)


def test_a_snapshot_between_others_goes_while_a_guest_writes(driver, volume, guest):
    snapshots = [Snapshot(new_id(), volume, 1) for _ in range(3)]
    for byte, snapshot in enumerate(snapshots, 1):
        disks.write(guest, byte, byte * MIB)
        driver.create_snapshot(snapshot)
    driver.delete_snapshot(snapshots[0])
    assert depth(driver, volume) == 3
    for byte, snapshot in enumerate(snapshots[1:], 2):
        with driver.opened(snapshot) as disk:
            assert disks.has(disk, 1, MIB) and disks.has(disk, byte, byte * MIB)
            assert disks.has(disk, 0, (byte + 1) * MIB)
    assert all(disks.has(guest, byte, byte * MIB) for byte in (1, 2, 3))


@pytest.mark.parametrize("used", [True, False])
def test_chains_are_bounded(driver, volume, monkeypatch, used):
    monkeypatch.setattr("cairn.cinder.drivers.file.DEEPEST", 3)
    attachment = new_id()
    if used:
        driver.export(volume, attachment, HERE)
    for _ in range(6):
        driver.create_snapshot(Snapshot(new_id(), volume, 1))
    driver.tidy()
    assert depth(driver, volume) == 1
    if used:
        driver.unexport(volume, attachment)
    for _ in range(2):
        driver.create_snapshot(Snapshot(new_id(), volume, 1))
    assert depth(driver, volume) == 3


def test_a_merge_stands_back(driver, volume, monkeypatch):
    """Whoever wants something does not wait for what is only tidiness."""
    with driver.opened(volume):
        pass
    snapshot = Snapshot(new_id(), volume, 1)
    driver.create_snapshot(snapshot)
    with driver.layers.locked("waiting", share=True):
        driver.delete_snapshot(snapshot)
        assert depth(driver, volume) == 2
    driver.tidy()
    assert depth(driver, volume) == 1


def test_a_merge_stands_back_from_another_backend(
    driver, volume, guest, daemon, tmp_path, monkeypatch
):
    """One daemon has the files of all backends, and talks to one at a time."""
    (tmp_path / "more").mkdir()
    other = FileDriver("more", str(tmp_path / "more"), Host(exports=str(daemon.folder)))
    second = Volume(new_id(), 1)
    other.create(second)
    snapshots = [Snapshot(new_id(), volume, 1) for _ in range(2)]
    for snapshot in snapshots:
        disks.write(guest, 1)
        driver.create_snapshot(snapshot)
    began = threading.Event()
    execute = Qmp.execute

    def slow(self, command, **arguments):
        if command == "block-commit":
            arguments["speed"] = 1
        answer = execute(self, command, **arguments)
        if command == "block-commit":
            began.set()
        return answer

    monkeypatch.setattr(Qmp, "execute", slow)
    merger = threading.Thread(target=driver.delete_snapshot, args=(snapshots[0],))
    merger.start()
    assert began.wait(60)
    theirs = disks.guest(other.export(second, new_id(), HERE))
    disks.write(theirs, 2)
    merger.join(60)
    assert not merger.is_alive() and depth(driver, volume) == 3
    monkeypatch.undo()
    driver.tidy()
    assert depth(driver, volume) == 2
    assert disks.has(guest, 1) and disks.has(theirs, 2)


def test_a_volume_that_is_read_is_attached_meanwhile(driver, volume):
    with driver.opened(volume, write=True) as disk:
        disks.write(disk, 5)
    with driver.opened(volume) as disk:
        guest = disks.guest(driver.export(volume, new_id(), HERE))
        disks.write(guest, 6)
        driver.tidy()
        assert disks.has(disk, 5)
    assert disks.has(guest, 6)


# Over the network


@pytest.fixture
def authority(tmp_path):
    """authority(name) -> a folder with a key and a certificate of that name, as QEMU wants it."""
    now = datetime.datetime.now(datetime.UTC)

    def certify(name, issuer, signer, authority):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(authority, None), True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(signer or key, hashes.SHA256()))
        return key, certificate

    roots = {}

    def made(side, root="ours"):
        if root not in roots:
            roots[root] = certify(root, None, None, True)
        key, certificate = certify(side, roots[root][1].subject, roots[root][0], False)
        folder = tmp_path / f"tls-{side}-{root}"
        folder.mkdir()
        pem = serialization.Encoding.PEM
        (folder / "ca-cert.pem").write_bytes(roots["ours"][1].public_bytes(pem))
        (folder / f"{side}-cert.pem").write_bytes(certificate.public_bytes(pem))
        (folder / f"{side}-key.pem").write_bytes(key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return folder

    return made


def read_over(info, tls=None):
    data = info["data"]
    options = {"driver": "nbd", "export": data["export"],
               "server": {"type": "inet", "host": "localhost", "port": str(data["port"])}}
    objects = []
    if tls is not None:
        options["tls-creds"] = "tls"
        objects = ["--object", f"tls-creds-x509,id=tls,dir={tls},endpoint=client,verify-peer=on"]
    disk = Disk({"driver": "raw", "file": options})
    return subprocess.run(
        ["qemu-io", *objects, "-r", "-c", "read -P 5 0 1M", "json:" + json.dumps(disk.options)],
        capture_output=True, text=True, check=False, timeout=60).returncode == 0


def test_guests_of_other_hosts_show_a_certificate(make, volume, authority, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr("cairn.cinder.drivers.daemon.NBD_PORT", probe.getsockname()[1])
    driver = make(export_address="127.0.0.1", export_tls=str(authority("server")))
    with driver.opened(volume, write=True) as disk:
        disks.write(disk, 5)
    info = driver.export(volume, new_id(), Connector("elsewhere"))
    assert info["data"]["tls"] is True and "socket" not in info["data"]
    driver.check()
    driver.export(volume, new_id(), Connector("another"))  # The server is there already.
    assert read_over(info, authority("client"))
    assert not read_over(info)
    assert not read_over(info, authority("client", "others"))


def test_layers_are_our_own_alone(driver, volume, guest):
    driver.create_snapshot(Snapshot(new_id(), volume, 1))
    files = [*driver.folder.rglob("*")]
    assert {oct(p.stat().st_mode & 0o77) for p in files} == {"0o0"}
    assert layering.VOLUMES in {p.name for p in files}
