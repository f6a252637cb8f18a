"""From a guest, and with words in its network's settings: what is another tenant's."""

import base64
import json
import uuid
from typing import Any

from ..clouds import wait
from . import FLAVOR, IMAGE, Ground, Tenant, bad_port, tap

METADATA = "169.254.169.254 80"
# An address that Python takes for one and nft does not.
SCOPED = "fe80::1%x"
NEWLINE = "a\n10.0.0.1,www.example.org"


def _victim(ground: Ground, tenant: Tenant, secret: str) -> tuple[str, str, str]:
    """A server of the tenant's with a secret in its user data: network, address and id."""
    sdk = tenant.sdk
    net = sdk.network.create_network(name=f"victim-{ground.run}")
    sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.87.0.0/24")
    server = sdk.compute.create_server(
        name="victim", networks=[{"uuid": net.id}],
        image_id=sdk.image.find_image(IMAGE, ignore_missing=False).id,
        flavor_id=sdk.compute.find_flavor(FLAVOR, ignore_missing=False).id,
        user_data=base64.b64encode(secret.encode()).decode())
    sdk.compute.wait_for_server(server, wait=120)
    port = next(iter(sdk.network.ports(device_id=server.id)))
    return net.id, port.fixed_ips[0]["ip_address"], server.id


def attack_metadata_with_a_request_in_a_request(ground: Ground) -> None:
    """The guest's own second request, hidden in the body of its first, says who asks."""
    secret = f"secret-{ground.run}"
    net, address, server = _victim(ground, ground.bob, secret)
    guest = ground.guest(ground.alice)
    hidden = ("GET /openstack/latest/user_data HTTP/1.1\r\nHost: a\r\n"
              f"X-Forwarded-For: {address}\r\n"
              f"X-Neutron-Network-ID: {net}\r\nX-Neutron-Router-ID: -\r\n"
              f"X-Instance-ID: {server}\r\nX-Tenant-ID: {ground.bob.project}\r\n"
              "Connection: close\r\n\r\n")
    first = "GET /openstack HTTP/1.1\r\nHost: a\r\n"
    chunked = f"{len(hidden):x}\r\n{hidden}\r\n0\r\n\r\n"
    for request in (
        f"{first}Content-Length: {len(hidden)}\r\n\r\n{hidden}",
        f"{first}Transfer-Encoding: chunked\r\n\r\n{chunked}",
        f"{first}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}",
        f"{first}Transfer-Encoding: identity\r\nContent-Length: {len(hidden)}\r\n\r\n{hidden}",
        f"{first}\r\n{hidden}",  # No trick: two requests, and the second lies.
        hidden,
    ):
        text = base64.b64encode(request.encode()).decode()
        heard = guest.run(f"(echo {text} | base64 -d; sleep 2) | timeout 8 nc {METADATA} || true")
        assert secret not in heard, request
    # Its own it still gets.
    heard = guest.run("wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json")
    assert json.loads(heard)["project_id"] == ground.alice.project


def _refused(tenant: Tenant, method: str, path: str, body: Any) -> None:
    answer = tenant.call(method, f"/networking/v2.0/{path}", body)
    assert answer.status_code == 400, f"{path} {body}: {answer.status_code} {answer.text}"


def attack_rules_with_a_scope_id(ground: Ground) -> None:
    """Wherever an address is taken, one with a scope id is refused."""
    network = ground.alice.sdk.network
    net = network.create_network(name=f"scoped-{ground.run}")
    subnet = network.create_subnet(network_id=net.id, ip_version=6, cidr="2001:db8::/64")
    port = network.create_port(network_id=net.id)
    group = network.create_security_group(name="scoped")
    router = network.create_router(name="scoped")
    for method, path, body in (
        ("PUT", f"ports/{port.id}", {"port": {
            "allowed_address_pairs": [{"ip_address": SCOPED}]}}),
        ("PUT", f"ports/{port.id}", {"port": {
            "allowed_address_pairs": [{"ip_address": f"{SCOPED}/64"}]}}),
        ("PUT", f"ports/{port.id}", {"port": {
            "fixed_ips": [{"subnet_id": subnet.id, "ip_address": "2001:db8::5%x"}]}}),
        ("POST", "security-group-rules", {"security_group_rule": {
            "security_group_id": group.id, "direction": "ingress", "ethertype": "IPv6",
            "remote_ip_prefix": SCOPED}}),
        ("PUT", f"subnets/{subnet.id}", {"subnet": {"dns_nameservers": [SCOPED]}}),
        ("PUT", f"subnets/{subnet.id}", {"subnet": {
            "host_routes": [{"destination": "2001:db8:1::/64", "nexthop": "2001:db8::1%x"}]}}),
        ("PUT", f"subnets/{subnet.id}", {"subnet": {"gateway_ip": "2001:db8::1%x"}}),
        ("PUT", f"routers/{router.id}", {"router": {
            "routes": [{"destination": "2001:db8:1::/64", "nexthop": SCOPED}]}}),
        ("POST", "subnets", {"subnet": {
            "network_id": net.id, "ip_version": 6, "cidr": "2001:db8:2::%x/64"}}),
    ):
        _refused(ground.alice, method, path, body)


def attack_a_hosts_rules_through_one_port(ground: Ground) -> None:
    """Text that nft refuses, got past the API all the same: one port is cut off, the agent says
    which, and what another tenant changes meanwhile comes to be on the host."""
    node = ground.cloud.computes()[0]
    with bad_port(ground) as bad:
        def told() -> bool:
            return any(each.get("id") == bad
                       for agent in ground.admin.sdk.network.agents(host=node)
                       for each in (agent.configuration or {}).get("isolated") or ())
        wait("the agent says which port it has set apart", told, 60, 1)
        group = ground.bob.sdk.network.find_security_group(
            "default", project_id=ground.bob.project)
        net = ground.bob.sdk.network.create_network(name=f"good-{ground.run}")
        ground.bob.sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.86.0.0/24")
        port = ground.admin.sdk.network.create_port(
            network_id=net.id, project_id=ground.bob.project, binding_host_id=node,
            security_groups=[group.id], device_owner="compute:nova", device_id=str(uuid.uuid4()))
        try:
            with tap(ground, node, port.id) as name:
                wait("the other port has its rules", lambda: name in ground.node(
                    node, "nft list ruleset"), 30, 1)
                ground.bob.sdk.network.create_security_group_rule(
                    security_group_id=group.id, direction="ingress", protocol="tcp",
                    port_range_min=4711, port_range_max=4711)
                wait("and what is changed of them", lambda: "4711" in ground.node(
                    node, "nft list ruleset"), 30, 1)
        finally:
            ground.admin.sdk.network.delete_port(port)
            ground.bob.sdk.network.delete_network(net)


def attack_names_of_others_on_a_shared_network(ground: Ground) -> None:
    """A name that is a line of its own in dnsmasq's files."""
    network = ground.alice.sdk.network
    net = network.create_network(name=f"named-{ground.run}")
    network.create_subnet(network_id=net.id, ip_version=4, cidr="10.85.0.0/24")
    port = network.create_port(network_id=net.id)
    for name in (NEWLINE, "a,b", "a b", "a\0", "a\rb", "-a", "a" * 64, "ä"):
        _refused(ground.alice, "PUT", f"ports/{port.id}", {"port": {"dns_name": name}})
        _refused(ground.alice, "POST", "ports", {"port": {
            "network_id": net.id, "dns_name": name}})
    for option in ({"opt_name": "router", "opt_value": "1.2.3.4\naddress=/x/1.2.3.4"},
                   {"opt_name": "a\nb", "opt_value": "1"}, {"opt_name": "tag:x", "opt_value": "1"}):
        _refused(ground.alice, "PUT", f"ports/{port.id}", {"port": {"extra_dhcp_opts": [option]}})
