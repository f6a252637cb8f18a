"""Images and volumes in Ceph: the drivers' contracts, what is constant in size, and disks that die
under a guest.

    ./cairn test acceptance ceph
    ./cairn test acceptance ceph --name NAME      # one that has cloud_storage_backend: rbd
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from acceptance.ceph import Ceph
from system import attacks
from system.clouds import HOUSE, Cloud, wait

pytestmark = [pytest.mark.lab, attacks.QUIET]

MIB = 1 << 20
BLOCK = 256 << 10
# Writes one block after the other, each other than the last, and notes what it was told is written:
# number, SHA-256, and when.
WRITER = f"""
number=0
while [ ! -e /tmp/stop ] && [ $number -lt 4096 ]; do
    dd if=/dev/urandom of=/tmp/block bs={BLOCK} count=1 2>/dev/null
    hash=$(sha256sum < /tmp/block)
    dd if=/tmp/block of=/dev/vdb bs={BLOCK} seek=$number conv=fsync 2>/dev/null || break
    echo $number $hash $(cat /proc/uptime) >> /tmp/written
    number=$((number + 1))
done
echo ended >> /tmp/written
"""
POOLS, USERS = ("images", "volumes", "backups"), ("glance", "cinder", "cinder-backup")
# What the administrator of a cluster that is there already is told to do.
COMMANDS = re.search(r"^    ceph osd set-require.*?(?=\n\n)",
                     (HOUSE / "docs/operate/storage.md").read_text(), re.M | re.S)[0]


@pytest.fixture(scope="module")
def cloud(request):
    name = request.config.getoption("--name")
    cloud = Cloud(name or "accept", "allinone")
    if not name:
        cloud.up(cloud_storage_backend="rbd", cinder_backends_extra="")
    yield cloud
    if not name and not os.environ.get("CAIRN_KEEP"):
        cloud.down()


@pytest.fixture(scope="module")
def ceph(cloud):
    ceph = Ceph(cloud)
    ceph.whole()
    return ceph


@pytest.fixture(scope="module")
def here(cloud, tmp_path_factory):
    with attacks.ground(cloud, tmp_path_factory.mktemp("ceph")) as here:
        yield here


@pytest.fixture(scope="module")
def storage(here):
    return here.bob.sdk.block_storage


@pytest.fixture
def image(here):
    """image(MIB) -> a raw one that has so much of nothing but bytes."""
    made = []

    def upload(mib):
        made.append(here.bob.sdk.image.create_image(
            f"{mib} MiB", data=os.urandom(mib * MIB), disk_format="raw", container_format="bare",
            wait=True))
        return made[-1].id

    yield upload
    for each in made:
        here.bob.sdk.image.delete_image(each, ignore_missing=True)


def volume(storage, **facts):
    made = storage.create_volume(size=1, **facts)
    return storage.wait_for_status(made, "available", ["error"], 1, 300).id


def snapshot(storage, volume_id):
    made = storage.create_snapshot(volume_id=volume_id)
    return storage.wait_for_status(made, "available", ["error"], 1, 300).id


def gone(storage, *volumes, snapshots=()):
    for each in snapshots:
        storage.delete_snapshot(each)
    wait("the snapshots are gone",
         lambda: not {s.id for s in storage.snapshots()} & set(snapshots), 300, 1)
    for each in volumes:
        storage.delete_volume(each)
    wait("the volumes are gone", lambda: not {v.id for v in storage.volumes()} & set(volumes), 300,
         1)


def is_named(volume_id):
    return f"volumes/volume-{volume_id}"


# What is constant in size -------------------------------------------------------------------------


def test_clones_have_no_bytes_of_their_own(ceph, storage, image):
    """Of an image, of a snapshot and of a volume, however large these are."""
    counts = {}
    for mib in (4, 256):
        source = image(mib)
        assert ceph.objects(f"images/{source}") == mib // 4
        of_image = volume(storage, image_id=source)
        taken = snapshot(storage, of_image)
        of_snapshot = volume(storage, snapshot_id=taken)
        of_volume = volume(storage, source_volume_id=of_image)
        assert ceph.parent(is_named(of_image)) == f"images/{source}"
        assert ceph.parent(is_named(of_snapshot)) == is_named(of_image)
        assert ceph.parent(is_named(of_volume)) == is_named(of_image)
        counts[mib] = {name: ceph.objects(is_named(id_)) for name, id_ in (
            ("of an image", of_image), ("of a snapshot", of_snapshot), ("of a volume", of_volume))}
        assert ceph.hashes(is_named(of_volume), MIB, mib) == ceph.hashes(
            f"images/{source}", MIB, mib)
        gone(storage, of_snapshot, of_volume, snapshots=[taken])
        gone(storage, of_image)
    print(f"\nobjects of clones by MiB: {counts}", flush=True)
    assert {count for each in counts.values() for count in each.values()} == {0}


def test_parents_go_before_their_clones(ceph, storage, image, here):
    """An image, a snapshot and volumes, each with a clone: the last of them keeps its bytes, and
    takes what was kept for it away with it."""
    before = ceph.names()
    source = image(8)
    bytes_ = ceph.hashes(f"images/{source}", MIB, 8)
    first = volume(storage, image_id=source)
    taken = snapshot(storage, first)
    second = volume(storage, snapshot_id=taken)
    last = volume(storage, source_volume_id=second)
    here.bob.sdk.image.delete_image(source)
    gone(storage, first, second, snapshots=[taken])
    assert ceph.hashes(is_named(last), MIB, 8) == bytes_
    assert {n for n in ceph.names()["volumes"] if last in n}
    gone(storage, last)
    # Glance sweeps twice a minute.
    wait("nothing is left of them", lambda: ceph.names() == before, 180, 3)


def test_a_server_starts_from_a_clone(ceph, storage, here, cloud):
    """A raw image of the guest, a volume of it that a server is made on: it has what the server
    wrote, and no more."""
    guest = here.folder / "guest"
    here.admin.person.openstack("image", "save", "--file", f"{guest}.qcow2", "cairn-guest")
    subprocess.run(["qemu-img", "convert", "-O", "raw", f"{guest}.qcow2", f"{guest}.raw"],
                   check=True)
    source = here.alice.sdk.image.create_image(
        "guest", data=Path(f"{guest}.raw").read_bytes(), disk_format="raw",
        container_format="bare", wait=True)
    compute, network = here.alice.sdk.compute, attacks.wire(here.alice, "10.87.0.0/24")
    server = compute.create_server(
        name="on-a-clone", networks=[{"uuid": network.id}],
        flavor_id=compute.find_flavor(attacks.FLAVOR, ignore_missing=False).id,
        block_device_mapping=[{
            "boot_index": 0, "uuid": source.id, "source_type": "image",
            "destination_type": "volume", "volume_size": 1, "delete_on_termination": True}])
    compute.wait_for_server(server, wait=300)
    wait("it has booted", lambda: "BOOTED" in (
        compute.get_server_console_output(server)["output"] or ""), 300, 3)
    root, = compute.volume_attachments(server)
    assert ceph.parent(is_named(root.volume_id)) == f"images/{source.id}"
    own, all_ = ceph.objects(is_named(root.volume_id)), ceph.objects(f"images/{source.id}")
    print(f"\nobjects of the image {all_}, of the server that booted from its clone {own}",
          flush=True)
    assert own < all_
    compute.delete_server(server)
    compute.wait_for_delete(server, wait=120)
    wait("its volume is gone", lambda: not list(here.alice.sdk.block_storage.volumes()), 120, 1)


# A disk that dies ---------------------------------------------------------------------------------


class Writing:
    """A guest that writes to a volume all the time."""

    def __init__(self, guest):
        self.guest = guest
        guest.run(f"sudo rm -f /tmp/stop /tmp/written; cat > /tmp/writer <<'END'\n{WRITER}\nEND\n"
                  "sudo setsid sh /tmp/writer > /dev/null 2>&1 < /dev/null &")

    def lines(self):
        """(number, hash, when) of each block; it has not ended."""
        said = self.guest.run("cat /tmp/written || true").splitlines()
        assert "ended" not in said[:-1] and (said or [""])[-1] != "ended", "it was told of an error"
        words = [line.split() for line in said]
        return [(int(w[0]), w[1], float(w[3])) for w in words if len(w) == 5]

    def goes_on(self, blocks=20):
        """More is written, from now on."""
        so_far = len(self.lines())
        wait("the guest writes on", lambda: len(self.lines()) >= so_far + blocks, 300, 2)

    def end(self):
        """What it wrote, and the longest that it waited for a block."""
        self.guest.run("sudo touch /tmp/stop")
        wait("it ends", lambda: "ended" in self.guest.run("tail -n 1 /tmp/written"), 120, 1)
        lines = [line.split() for line in self.guest.run("cat /tmp/written").splitlines()[:-1]]
        times = [float(words[3]) for words in lines]
        return ([words[1] for words in lines],
                max(b - a for a, b in zip(times, times[1:], strict=False)))


@pytest.fixture(scope="module")
def disk(storage, here):
    """A volume that a guest has as its second disk."""
    guest = here.guest(here.bob)
    server = next(iter(here.bob.sdk.compute.servers()))
    volume_id = volume(storage)
    here.bob.sdk.compute.create_volume_attachment(server, volume_id)
    wait("the guest has the disk", lambda: "vdb" in guest.run("cat /proc/partitions"), 120, 1)
    yield volume_id
    here.bob.sdk.compute.delete_volume_attachment(server, volume_id)
    storage.wait_for_status(storage.get_volume(volume_id), "available", ["error"], 1, 120)
    gone(storage, volume_id)


@pytest.mark.parametrize("how", ["killed", "lost", "hung"])
def test_a_guest_writes_on_while_a_disk_dies(ceph, here, disk, how):
    """Killed, systemd has it back; lost, it is away until somebody brings it; hung, it says nothing
    and keeps its connections, until the others have noticed."""
    guest, number = here.guest(here.bob), {"killed": 0, "lost": 1, "hung": 2}[how]
    writing = Writing(guest)
    writing.goes_on()
    begun = time.monotonic()
    if how == "killed":
        ceph.signal(number, "KILL")
        writing.goes_on()
    else:
        ceph.lose(number) if how == "lost" else ceph.signal(number, "STOP")
        try:
            wait("the cluster has noticed", lambda: number not in ceph.up(), 240, 1)
            writing.goes_on(60)
        finally:
            ceph.bring_back(number) if how == "lost" else ceph.signal(number, "CONT")
    ceph.whole()
    whole = time.monotonic() - begun
    writing.goes_on()
    hashes, longest = writing.end()
    print(f"\n{how}: {len(hashes)} blocks of {BLOCK >> 10} KiB, the longest wait for one "
          f"{longest:.1f} s, active+clean again after {whole:.0f} s", flush=True)
    assert ceph.hashes(is_named(disk), BLOCK, len(hashes)) == hashes
    # As the guest has it, from the disk and not from its memory.
    read = guest.run("sudo sh -c 'echo 3 > /proc/sys/vm/drop_caches'; "
                     f"sudo dd if=/dev/vdb bs={BLOCK} count=1 skip={len(hashes) - 1} 2>/dev/null "
                     "| sha256sum")
    assert read.split()[0] == hashes[-1]


# Contracts ----------------------------------------------------------------------------------------


def made_by_its_administrator(ceph, prefix):
    """Pools and users as the page says, with names of their own."""
    for pool in POOLS:
        ceph.run(f"ceph osd pool create {prefix}{pool} 8 8 replicated "
                 "$(ceph osd pool get volumes crush_rule | cut -d' ' -f2) && "
                 f"ceph osd pool application enable {prefix}{pool} rbd")
    ceph.run(COMMANDS.replace("cloud-", prefix).replace("client.", f"client.{prefix}"))
    ceph.whole()


def removed(ceph, prefix):
    ceph.run("ceph config set mon mon_allow_pool_delete true")
    for pool in POOLS:
        ceph.run(f"ceph osd pool delete {prefix}{pool} {prefix}{pool} "
                 "--yes-i-really-really-mean-it")
    ceph.run("ceph config rm mon mon_allow_pool_delete")
    for user in USERS:
        ceph.run(f"ceph auth rm client.{prefix}{user}")


@pytest.fixture
def strangers(ceph):
    """The prefix of pools and users that an administrator of the cluster made for another cloud."""
    made_by_its_administrator(ceph, "other-")
    yield "other-"
    removed(ceph, "other-")


def test_drivers_keep_their_contracts(ceph, strangers, tmp_path):
    """Each with a death before each of its effects."""
    users = [f"{strangers}{name}" for name in ("cinder", "glance")]
    conf = ceph.leave_way(tmp_path, *(f"client.{user}" for user in users))
    pools = [f"{strangers}{pool}:{user}:{conf}"
             for pool, user in zip(("volumes", "images"), users, strict=True)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--durations=5", "tests/api/glance/test_stores.py",
         "tests/unit/cinder/test_rbd_driver.py"],
        cwd=HOUSE, text=True, capture_output=True, check=False,
        env=os.environ | dict(zip(("CAIRN_TEST_RBD_VOLUMES", "CAIRN_TEST_RBD_IMAGES"), pools,
                                  strict=True)))
    print(f"\n{done.stdout[-800:]}", flush=True)
    assert done.returncode == 0, done.stdout + done.stderr
