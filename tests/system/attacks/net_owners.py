"""Networks: what is another project's, or everybody's, and not the caller's to take."""

from . import NETWORK, Ground


def _refused(ground: Ground, method: str, path: str, body: object, *codes: int) -> None:
    answer = ground.alice.call(method, f"/networking/v2.0/{path}", body)
    assert answer.status_code in codes, f"{path} {body}: {answer.status_code} {answer.text}"


def attack_things_made_in_anothers_name(ground: Ground) -> None:
    """A member names another project in what it makes."""
    network = ground.alice.sdk.network
    net = network.create_network(name=f"owned-{ground.run}")
    for kind, wanted in (
        ("network", {}), ("router", {}), ("port", {"network_id": net.id}),
        ("subnet", {"network_id": net.id, "ip_version": 4, "cidr": "10.84.0.0/24"}),
        ("security_group", {"name": "x"}),
        ("subnetpool", {"name": "x", "prefixes": ["10.0.0.0/8"]}),
        ("floatingip", {"floating_network_id": network.find_network(NETWORK).id}),
    ):
        for word in ("project_id", "tenant_id"):
            _refused(ground, "POST", f"{kind.replace('_', '-')}s",
                     {kind: {**wanted, word: ground.bob.project}}, 400)


def attack_an_address_outside_without_a_floating_ip(ground: Ground) -> None:
    """A port on the external network would be an address that no quota of floating IPs counts."""
    public = ground.alice.sdk.network.find_network(NETWORK)
    _refused(ground, "POST", "ports", {"port": {"network_id": public.id}}, 403)
    _refused(ground, "POST", "ports", {"ports": [{"network_id": public.id}]}, 403)


def attack_the_gateway_of_the_network_outside(ground: Ground) -> None:
    """A router of the caller's, plugged in where everybody's router answers."""
    network = ground.alice.sdk.network
    public = network.find_network(NETWORK)
    router = network.create_router(name=f"taker-{ground.run}")
    for subnet in network.subnets(network_id=public.id):
        _refused(ground, "PUT", f"routers/{router.id}/add_router_interface",
                 {"subnet_id": subnet.id}, 400)
