"""What a guest is told about itself: the same documents over HTTP and on the config drive."""

import base64
import binascii
import ipaddress
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from cairn.nova.core import block_devices, guest_features
from cairn.nova.settings import ApiSettings

log = logging.getLogger(__name__)

OPENSTACK = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06",
             "2017-02-22", "2018-08-27", "2020-10-14", "latest")
EC2 = ("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01",
       "2008-09-01", "2009-04-04", "latest")


# Since which version there is a document, or a key of meta_data.json.
_SINCE = {"password": "2013-04-04", "vendor_data.json": "2013-10-17",
          "network_data.json": "2015-10-15", "vendor_data2.json": "2016-10-06"}
_KEYS_SINCE = {"random_seed": "2013-04-04", "project_id": "2015-10-15", "devices": "2016-06-30",
               "dedicated_cpus": "2020-10-14"}
_TRUSTED_SINCE = "2018-08-27"
# The same of EC2's.
_EC2_SINCE = {
    "local-hostname": "2007-01-19", "public-hostname": "2007-01-19", "public-ipv4": "2007-01-19",
    "instance-type": "2007-08-29", "block-device-mapping": "2007-12-15",
    "instance-action": "2007-12-15", "kernel-id": "2007-12-15", "ramdisk-id": "2007-12-15",
    "placement": "2008-02-01",
}


def _has(version: str, since: str) -> bool:
    """Versions are dates, but for the two that are the first and the last of all."""
    return not since or version == "latest" or (version != "1.0" and version >= since)


def files(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), *,
    admin_pass: str | None = None, dynamic: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """Everything by path, for a config drive; `devices` are rows of its block devices, `dynamic` is
    what services say of it (neighbours/vendordata.py)."""
    documents: dict[str, bytes] = {}
    for version in ("2018-08-27", "latest"):
        openstack = openstack_files(server, settings, devices, admin_pass=admin_pass,
                                    dynamic=dynamic, version=version)
        documents |= {f"openstack/{version}/{name}": content
                      for name, content in openstack.items()}
    for version in ("2009-04-04", "latest"):
        documents[f"ec2/{version}/meta-data.json"] = _json(
            ec2_metadata(server, settings, devices, version))
        if server.user_data:
            documents[f"ec2/{version}/user-data"] = user_data(server)
    return documents


# In which tasks a host writes a server's config drive, beside those of a server that is building.
_MAKING = {"rebuilding", "rebuild_block_device_mapping", "rebuild_spawning", "spawning",
           "resize_finish", "unshelving"}


def is_being_made(server: Row[Any]) -> bool:
    """Whether its host may be about to write its config drive: what costs time to know is only
    asked for then."""
    return server.vm_state == "building" or server.task_state in _MAKING


def openstack_names(server: Row[Any], version: str = "latest") -> list[str]:
    """What may be asked for below one version; the password is told over HTTP alone."""
    names = ["meta_data.json", *(["user_data"] if server.user_data else []), *_SINCE]
    return [name for name in names if _has(version, _SINCE.get(name, ""))]


def openstack_files(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), *,
    admin_pass: str | None = None, dynamic: Mapping[str, Any] | None = None,
    version: str = "latest",
) -> dict[str, bytes]:
    """What lies in one version's folder."""
    documents = {
        "meta_data.json": _json(meta_data(server, settings, devices, admin_pass, version)),
        "network_data.json": _json(network_data(server.vifs)),
        "vendor_data.json": _json(vendor_data(settings)),
        "vendor_data2.json": _json(
            ({"static": vendor_data(settings)} if settings.vendordata_file else {})
            | dict(dynamic or {})),
        "user_data": user_data(server),
    }
    return {name: content for name, content in documents.items()
            if name in openstack_names(server, version)}


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def full_hostname(server: Any, settings: ApiSettings) -> str:
    """The server's hostname, in the settings' dhcp_domain unless it names a domain itself."""
    domain = settings.dhcp_domain
    return f"{server.hostname}.{domain}" if domain and "." not in server.hostname else (
        str(server.hostname))


def meta_data(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), admin_pass: str | None = None,
    version: str = "latest",
) -> dict[str, Any]:
    """openstack/VERSION/meta_data.json: another `random_seed` each time; `admin_pass` where one is
    given, which HTTP never does."""
    nics = _devices(server.vifs, trusted=_has(version, _TRUSTED_SINCE))
    document = {
        "uuid": server.id, "name": server.name, "hostname": full_hostname(server, settings),
        "launch_index": server.launch_index, "availability_zone": server.zone,
        "project_id": server.project_id, "devices": [*nics, *_disks(devices)],
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
    return {key: value for key, value in document.items()
            if _has(version, _KEYS_SINCE.get(key, ""))}


def _devices(vifs: list[dict[str, Any]], *, trusted: bool) -> list[dict[str, Any]]:
    """On which bus they are the host alone will know. No port here is a function of a card, which
    might be `trusted`."""
    return [{"type": "nic", "bus": "none", "address": "none", "mac": vif["mac"],
             "tags": [vif["tag"]], **({"vf_trusted": False} if trusted else {})}
            for vif in vifs if vif.get("tag")]


def _disks(devices: Sequence[Any]) -> list[dict[str, Any]]:
    """Those that have a tag, by which a guest tells them apart. A volume's serial is its id."""
    return [{"type": "disk", "bus": device.disk_bus or "none", "address": "none",
             "tags": [device.tag], "path": device.device_name,
             **({"serial": device.volume_id} if device.volume_id else {})}
            for device in devices if device.tag]


def vendor_data(settings: ApiSettings) -> Any:
    """What the operator's file says to every guest; nothing where it cannot be read, which is told
    to the log: no guest waits for it to be mended."""
    file = settings.vendordata_file
    try:
        return json.loads(Path(file).read_text()) if file else {}
    except (OSError, ValueError) as error:
        log.warning("[api] vendordata_file: %s: %s", file, error)
        return {}


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
    # slaac, dhcpv6-stateful, dhcpv6-stateless: how Neutron lets a guest come to its address.
    mode = subnet.get("ipv6_mode")
    cidr = ipaddress.ip_network(subnet["cidr"])
    routes = [{"network": str(there.network_address), "netmask": str(there.netmask),
               "gateway": route["nexthop"]}
              for route in subnet["routes"]
              for there in [ipaddress.ip_network(route["destination"])]]
    if subnet["gateway"]:
        anywhere = "0.0.0.0" if version == 4 else "::"
        routes.insert(0, {"network": anywhere, "netmask": anywhere, "gateway": subnet["gateway"]})
    return network | {"type": f"ipv{version}_{mode}" if mode else f"ipv{version}",
                      "ip_address": ip["address"], "netmask": str(cidr.netmask), "routes": routes,
                      "services": [{"type": "dns", "address": a} for a in subnet["dns"]]}


def ec2_metadata(
    server: Any, settings: ApiSettings, devices: Sequence[Any] = (), version: str = "latest"
) -> dict[str, Any]:
    """The tree below VERSION/meta-data."""
    fixed = [ip for vif in server.vifs for ip in vif["fixed_ips"] if ":" not in ip["address"]]
    floating = [address for ip in fixed for address in ip["floating"]]
    name = full_hostname(server, settings)
    properties = (server.image or {}).get("properties", {})
    tree: dict[str, Any] = {
        "ami-id": f"ami-{server.number:08x}", "ami-launch-index": str(server.launch_index),
        "ami-manifest-path": "", "block-device-mapping": _mapping(server, devices),
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
    return {key: value for key, value in tree.items() if _has(version, _EC2_SINCE.get(key, ""))}


def _mapping(server: Any, devices: Sequence[Any]) -> dict[str, str]:
    """What EC2 calls disks, and what a guest does: volumes as they were named, then those of its
    flavor by the next free names, which nothing wrote down."""
    volumes = sorted(device.device_name for device in devices
                     if device.destination_type == "volume" and device.device_name
                     and device.device_name != server.root_device)
    names = {"ami": server.root_device.removeprefix("/dev/"), "root": server.root_device}
    names |= {f"ebs{number}": name for number, name in enumerate(volumes)}
    taken = {name.removeprefix("/dev/") for name in names.values()}
    bus = block_devices.bus_of(server.image)
    for what, size in (("ephemeral0", server.flavor.get("ephemeral")),
                       ("swap", server.flavor.get("swap"))):
        if size and (name := guest_features.free_name(bus, taken)) is not None:
            taken.add(name)
            names[what] = f"/dev/{name}"
    return names
