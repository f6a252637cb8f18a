"""What a user of Apache Libcloud writes: NAME PUBLIC_KEY_FILE; credentials as OS_*."""

import os
import sys
import time

import libcloud.security
from libcloud.compute.providers import get_driver
from libcloud.compute.types import (
    NodeState,
    Provider,
    StorageVolumeState,
    VolumeSnapshotState,
)

name, key_file = sys.argv[1:]
libcloud.security.CA_CERTS_PATH = os.environ["OS_CACERT"]
driver = get_driver(Provider.OPENSTACK)(
    os.environ["OS_USERNAME"], os.environ["OS_PASSWORD"],
    ex_force_auth_url=os.environ["OS_AUTH_URL"].removesuffix("/v3"),
    ex_force_auth_version="3.x_password", ex_tenant_name=os.environ["OS_PROJECT_NAME"],
    ex_domain_name="Default", ex_force_service_region=os.environ["OS_REGION_NAME"],
    api_version="2.2")

network = driver.ex_create_network(name)
subnet = driver.ex_create_subnet(name, network, "10.63.0.0/24")
size = next(size for size in driver.list_sizes() if size.name == "m1.nano")
image = next(image for image in driver.list_images() if image.name == "cairn-guest")
driver.import_key_pair_from_file(name, key_file)
node = driver.create_node(name=name, size=size, image=image, networks=[network], ex_keyname=name)
[(node, addresses)] = driver.wait_until_running([node], timeout=120, ssh_interface="private_ips")
print("running" if node.state == NodeState.RUNNING and addresses else node.state)
volume = driver.create_volume(1, name)


def until(state):
    """The volume, once it is in that state."""
    end = time.monotonic() + 60
    while (now := driver.ex_get_volume(volume.id)).state != state:
        assert time.monotonic() < end, now.state
        time.sleep(1)
    return now


until(StorageVolumeState.AVAILABLE)
snapshot = driver.create_volume_snapshot(volume, name=name)
while driver.list_volume_snapshots(volume)[0].state != VolumeSnapshotState.AVAILABLE:
    time.sleep(1)
driver.destroy_volume_snapshot(snapshot)
driver.attach_volume(node, volume)
driver.detach_volume(until(StorageVolumeState.INUSE))
until(StorageVolumeState.AVAILABLE)
while driver.list_volume_snapshots(volume):
    time.sleep(1)
driver.destroy_volume(volume)
driver.destroy_node(node)
end = time.monotonic() + 60
while any(one.id == node.id for one in driver.list_nodes()):
    assert time.monotonic() < end
    time.sleep(1)
driver.ex_delete_subnet(subnet)
driver.ex_delete_network(network)
driver.delete_key_pair(driver.get_key_pair(name))
print("gone")
