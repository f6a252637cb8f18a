"""A host goes down and comes back: what ran there runs again by itself, with the bytes that its
guests had written.

    ./cairn test acceptance reboot
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils import node
from system import attacks
from system.clouds import Cloud, Failed, Guest, wait

pytestmark = [pytest.mark.lab, attacks.QUIET]

# What the guest writes to, and what to do so.
WRITE = ("sudo sh -c 'for to in /root/bytes /dev/vdb /dev/vdc; do "
         "dd if=/dev/urandom of=$to bs=1M count=8 conv=fsync 2>/dev/null || exit 1; done; sync'")
READ = ("sudo sh -c 'for of in /root/bytes /dev/vdb /dev/vdc; do "
        "dd if=$of bs=1M count=8 2>/dev/null | sha256sum; done'")
BOOT = "cat /proc/sys/kernel/random/boot_id"


@dataclass
class Server:
    cloud: Cloud
    id: str
    guest: Guest
    sdk: Any

    def runs(self) -> bool:
        shown = self.sdk.compute.get_server(self.id)
        assert shown.status == "ACTIVE", shown.status
        return (shown.task_state, shown.power_state) == (None, 1)

    def waits(self) -> bool:
        """Whether it was tried in vain more than once to start it again."""
        [tries] = self.cloud.sql("nova", "select coalesce(max(attempts), 0) from work where "
                                         f"subject = '{self.id}' and state = 'queued'")
        return int(tries) > 2

    def actions(self) -> list[str]:
        return [each.action for each in self.sdk.compute.server_actions(self.id)]


@pytest.fixture(scope="module")
def here(cloud, tmp_path_factory):
    with attacks.ground(cloud, tmp_path_factory.mktemp("reboot")) as ground:
        yield ground


@pytest.fixture(scope="module")
def sealed(here):
    """A type of encrypted volumes."""
    storage = here.admin.sdk.block_storage
    made = storage.create_type(name=f"sealed-{here.run}")
    storage.create_type_encryption(made, provider="luks", cipher="aes-xts-plain64", key_size=256,
                                   control_location="front-end")
    yield made.name
    storage.delete_type(made)


@pytest.fixture(scope="module")
def server(here, sealed):
    """One that boots from a volume and has two more, the last encrypted; through a floating IP."""
    sdk, storage = here.alice.sdk, here.alice.sdk.block_storage
    image = sdk.image.find_image(attacks.IMAGE, ignore_missing=False).id
    volumes = [storage.create_volume(size=1, **more)
               for more in ({"image_id": image}, {}, {"volume_type": sealed})]
    for volume in volumes:
        storage.wait_for_status(volume, "available", ["error"], wait=180)
    key = sdk.compute.create_keypair(name="mine")
    path = here.folder / "key"
    path.write_text(key.private_key)
    path.chmod(0o600)
    net = attacks.wire(here.alice)
    made = sdk.compute.create_server(
        name="phoenix", networks=[{"uuid": net.id}], key_name="mine",
        flavor_id=sdk.compute.find_flavor(attacks.FLAVOR, ignore_missing=False).id,
        block_device_mapping=[
            {"uuid": volume.id, "source_type": "volume", "destination_type": "volume",
             "boot_index": -1 if number else 0} for number, volume in enumerate(volumes)])
    sdk.compute.wait_for_server(made, wait=180)
    port = next(iter(sdk.network.ports(device_id=made.id)))
    out = sdk.network.find_network(attacks.NETWORK, ignore_missing=False)
    address = sdk.network.create_ip(floating_network_id=out.id, port_id=port.id)
    guest = Guest(address.floating_ip_address, path)
    wait(f"ssh to {address.floating_ip_address}", guest.reachable, 180, 2)
    yield Server(here.cloud, made.id, guest, sdk)
    sdk.compute.delete_server(made)
    sdk.compute.wait_for_delete(made, wait=120)
    for volume in volumes:
        storage.delete_volume(volume)
    for volume in volumes:
        storage.wait_for_delete(volume, wait=120)


def reboot(cloud, name):
    """Orderly. A lab node ends instead of coming back by itself."""
    try:
        cloud.within(name, "systemctl reboot")
    except Failed:
        pass  # It took us with it.


def lose_power(cloud, name):
    """Everything in the node is killed at once: its first process, and so its namespace."""
    os.kill(first_process(cloud, name), signal.SIGKILL)


def first_process(cloud, name):
    """None where the node is down."""
    return node.leader(str(Path("/var/lib/cairn-lab", cloud.name, "nodes", name)))


@pytest.mark.parametrize("go_down", [reboot, lose_power])
def test_what_ran_runs_again_with_its_bytes(cloud, server, go_down):
    server.guest.run(WRITE)
    written, boot, actions = server.guest.run(READ), server.guest.run(BOOT), server.actions()
    assert len(set(written.split())) == 4
    for name in cloud.nodes():
        go_down(cloud, name)
    for name in cloud.nodes():
        wait(f"{name} is down", lambda name=name: first_process(cloud, name) is None, 120)
    begun = time.monotonic()
    cloud.cairn("up")
    print(f"\n{go_down.__name__}: up after {time.monotonic() - begun:.0f} s", flush=True)
    wait("the server runs", server.runs, 180, 2)
    wait("the guest answers", server.guest.reachable, 180, 2)
    print(f"{go_down.__name__}: ssh after {time.monotonic() - begun:.0f} s", flush=True)
    assert server.guest.run(BOOT) != boot
    assert server.guest.run(READ) == written
    assert server.actions() == ["start", *actions]
    cloud.volumes_agree()
    cloud.cairn("status")


def test_volumes_that_come_later_than_the_host_are_waited_for(cloud, server):
    server.guest.run(WRITE)
    written, actions, name = server.guest.run(READ), server.actions(), cloud.controller()
    cloud.within(name, f"""systemctl stop cairn-agent cairn-exports && virsh destroy {server.id} &&
        echo of an earlier boot > /var/lib/cairn/instances/.boot &&
        systemctl start --no-block cairn-agent""")
    wait("it was tried", server.waits, 180, 2)
    assert not server.runs()
    cloud.within(name, "systemctl start cairn-exports")
    wait("the server runs", server.runs, 120, 2)
    wait("the guest answers", server.guest.reachable, 180, 2)
    assert server.guest.run(READ) == written
    assert server.actions() == ["start", *actions]
    cloud.volumes_agree()
    cloud.cairn("status")
