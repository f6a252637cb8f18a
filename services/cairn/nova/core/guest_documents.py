"""What a guest is told about itself: the same documents over HTTP and on the config drive."""

import base64
import binascii
import ipaddress
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cairn.nova.settings import ApiSettings

OPENSTACK = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06",
             "2017-02-22", "2018-08-27", "2020-10-14", "latest")
EC2 = ("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01",
       "2008-09-01", "2009-04-04", "latest")


def files(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), *,
    admin_pass: str | None = None,
) -> dict[str, bytes]:
    """Everything by path, for a config drive; `devices` are rows of its block devices."""
    documents: dict[str, bytes] = {}
    openstack = openstack_files(server, settings, devices, admin_pass=admin_pass)
    for version in ("2018-08-27", "latest"):
        documents |= {f"openstack/{version}/{name}": content
                      for name, content in openstack.items()}
    ec2 = json.dumps(ec2_metadata(server, settings)).encode()
    for version in ("2009-04-04", "latest"):
        documents[f"ec2/{version}/meta-data.json"] = ec2
        if server.user_data:
            documents[f"ec2/{version}/user-data"] = user_data(server)
    return documents


def openstack_files(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), *,
    admin_pass: str | None = None,
) -> dict[str, bytes]:
    """What lies in one version's folder."""
    documents = {
        "meta_data.json": _json(meta_data(server, settings, devices, admin_pass)),
        "network_data.json": _json(network_data(server.vifs)),
        "vendor_data.json": _json(vendor_data(settings)),
        "vendor_data2.json": _json({}),
    }
    if server.user_data:
        documents["user_data"] = user_data(server)
    return documents


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def full_hostname(server: Any, settings: ApiSettings) -> str:
    """The server's hostname, in the settings' dhcp_domain unless it names a domain itself."""
    domain = settings.dhcp_domain
    return f"{server.hostname}.{domain}" if domain and "." not in server.hostname else (
        str(server.hostname))


def meta_data(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), admin_pass: str | None = None
) -> dict[str, Any]:
    """openstack/VERSION/meta_data.json: another `random_seed` each time; `admin_pass` where one is
    given, which HTTP never does."""
    document = {
        "uuid": server.id, "name": server.name, "hostname": full_hostname(server, settings),
        "launch_index": server.launch_index, "availability_zone": server.zone,
        "project_id": server.project_id, "devices": [*_devices(server.vifs), *_disks(devices)],
        "dedicated_cpus": [],
        "random_seed": base64.b64encode(secrets.token_bytes(512)).decode(),
    }
    if server.meta:
        document["meta"] = server.meta
    if server.key_name:
        document["public_keys"] = {server.key_name: server.key_data}
        kind = "x509" if str(server.key_data).startswith("-----BEGIN CERTIFICATE") else "ssh"
        document["keys"] = [{"name": server.key_name, "type": kind, "data": server.key_data}]
    if admin_pass:
        document["admin_pass"] = admin_pass
    return document


def _devices(vifs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "nic", "bus": "none", "address": "none", "mac": vif["mac"],
             "tags": [vif["tag"]]} for vif in vifs if vif.get("tag")]


def _disks(devices: Sequence[Any]) -> list[dict[str, Any]]:
    """Those that have a tag, by which a guest tells them apart. A volume's serial is its id."""
    return [{"type": "disk", "bus": device.disk_bus or "none", "address": "none",
             "tags": [device.tag], "path": device.device_name,
             **({"serial": device.volume_id} if device.volume_id else {})}
            for device in devices if device.tag]


def vendor_data(settings: ApiSettings) -> Any:
    """What the operator's file says to every guest. Raises OSError, ValueError for no JSON file."""
    file = settings.vendordata_file
    return json.loads(Path(file).read_text()) if file else {}


def user_data(server: Any) -> bytes:
    """The bytes that the user gave; text of before it was checked to be base64 as it is."""
    try:
        return base64.b64decode(server.user_data or "")
    except binascii.Error:
        return str(server.user_data).encode()


def network_data(vifs: list[dict[str, Any]]) -> dict[str, Any]:
    """Links, networks and name servers as the published schema has them."""
    links: list[Any] = []
    networks: list[Any] = []
    services: list[Any] = []
    for vif in vifs:
        link = vif["device"]
        links.append({"id": link, "vif_id": vif["id"], "type": "ovs", "mtu": vif["mtu"],
                      "ethernet_mac_address": vif["mac"]})
        subnets = {subnet["id"]: subnet for subnet in vif["subnets"]}
        for ip in vif["fixed_ips"]:
            subnet = subnets.get(ip["subnet_id"])
            if subnet is None:
                continue
            networks.append(_network(f"network{len(networks)}", link, vif, ip, subnet))
            services += [{"type": "dns", "address": address} for address in subnet["dns"]]
    unique = [dict(pairs) for pairs in dict.fromkeys(tuple(s.items()) for s in services)]
    return {"links": links, "networks": networks, "services": unique}


def _network(
    number: str, link: str, vif: dict[str, Any], ip: dict[str, Any], subnet: dict[str, Any]
) -> dict[str, Any]:
    version = subnet["version"]
    network = {"id": number, "link": link, "network_id": vif["network_id"]}
    if version == 4 and subnet["dhcp"]:
        return network | {"type": "ipv4_dhcp"}
    cidr = ipaddress.ip_network(subnet["cidr"])
    routes = [{"network": str(there.network_address), "netmask": str(there.netmask),
               "gateway": route["nexthop"]}
              for route in subnet["routes"]
              for there in [ipaddress.ip_network(route["destination"])]]
    if subnet["gateway"]:
        anywhere = "0.0.0.0" if version == 4 else "::"
        routes.insert(0, {"network": anywhere, "netmask": anywhere, "gateway": subnet["gateway"]})
    return network | {"type": f"ipv{version}", "ip_address": ip["address"],
                      "netmask": str(cidr.netmask), "routes": routes,
                      "services": [{"type": "dns", "address": a} for a in subnet["dns"]]}


def ec2_metadata(server: Any, settings: ApiSettings) -> dict[str, Any]:
    """The tree below meta-data."""
    fixed = [ip for vif in server.vifs for ip in vif["fixed_ips"] if ":" not in ip["address"]]
    floating = [address for ip in fixed for address in ip["floating"]]
    name = full_hostname(server, settings)
    properties = (server.image or {}).get("properties", {})
    tree: dict[str, Any] = {
        "ami-id": f"ami-{server.number:08x}", "ami-launch-index": str(server.launch_index),
        "ami-manifest-path": "", "block-device-mapping": {
            "ami": server.root_device.removeprefix("/dev/"), "root": server.root_device},
        "hostname": name, "instance-action": "none", "instance-id": f"i-{server.number:08x}",
        "instance-type": server.flavor["name"], "local-hostname": name,
        "local-ipv4": fixed[0]["address"] if fixed else "",
        "placement": {"availability-zone": server.zone}, "public-hostname": name,
        "public-ipv4": floating[0] if floating else "",
        "reservation-id": server.reservation_id,
        "security-groups": "\n".join(server.security_groups),
    }
    for key in ("kernel_id", "ramdisk_id"):
        if properties.get(key):
            tree[key.replace("_", "-")] = properties[key]
    if server.key_name:
        # The listing shows "0=name"; the path is public-keys/0/openssh-key.
        tree["public-keys"] = {"0": {"_name": f"0={server.key_name}",
                                     "openssh-key": server.key_data}}
    return tree
