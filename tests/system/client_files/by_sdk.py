"""What a user of openstacksdk writes: NAME IMAGE_FILE PUBLIC_KEY_FILE; credentials as OS_*."""

import sys
from pathlib import Path

import openstack

name, image_file, key_file = sys.argv[1:]
cloud = openstack.connect()

image = cloud.create_image(name, filename=image_file, disk_format="qcow2", wait=True)
cloud.create_keypair(name, Path(key_file).read_text())
network = cloud.create_network(name)
subnet = cloud.create_subnet(network.id, cidr="10.62.0.0/24", subnet_name=name)
public = cloud.get_network("public")
router = cloud.create_router(name, ext_gateway_net_id=public.id)
cloud.add_router_interface(router, subnet_id=subnet.id)
group = cloud.create_security_group(name, "Lets ssh in")
cloud.create_security_group_rule(group.id, 22, 22, "tcp", "0.0.0.0/0")
server = cloud.create_server(
    name, image=image, flavor="m1.nano", network=network, key_name=name, security_groups=[name],
    auto_ip=True, wait=True, timeout=120)
print(server.status)
kinds = {address["OS-EXT-IPS:type"] for addresses in server.addresses.values()
         for address in addresses}
print("floating" if kinds == {"fixed", "floating"} else kinds)

cloud.compute.stop_server(server)
print(cloud.compute.wait_for_server(server, status="SHUTOFF", wait=90).status)

cloud.delete_server(server.id, wait=True, timeout=90, delete_ips=True)
cloud.remove_router_interface(router, subnet_id=subnet.id)
assert cloud.delete_router(router.id) and cloud.delete_subnet(subnet.id)
assert cloud.delete_network(network.id) and cloud.delete_security_group(group.id)
assert cloud.delete_keypair(name) and cloud.delete_image(image.id, wait=True)
print("gone" if cloud.get_server(name) is None else "there")
