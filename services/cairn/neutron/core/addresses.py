"""IP addresses: which are free, and whose they are.

An address is claimed by inserting its row; the key decides between two who want the same. The
search starts at a random point of the pools, so that those who come at once rarely meet: the
lowest free address would be everybody's.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.neutron import errors
from cairn.neutron.core import ips
from cairn.neutron.core.ips import Address, Network
from cairn.neutron.core.kinds import ALLOCATIONS
from cairn.neutron.core.write import Again, Write

FixedIp = dict[str, str]

BATCH = 64
ROUTER_OWNERS = ("network:router_interface", "network:router_gateway", "network:floatingip")
# Of these, addresses are those they are given; others have what their subnets have them make up.
GIVEN_OWNERS = (*ROUTER_OWNERS, "network:dhcp")

_taken = (
    select(ALLOCATIONS.c.address)
    .where(
        ALLOCATIONS.c.subnet_id == bindparam("subnet"),
        ALLOCATIONS.c.address.between(bindparam("start"), bindparam("end")),
    )
    .order_by(ALLOCATIONS.c.address)
    .limit(BATCH)
)
_claim = insert(ALLOCATIONS)
_release = delete(ALLOCATIONS).where(ALLOCATIONS.c.port_id == bindparam("port"))


def key(address: int | Address) -> str:
    """An address as its row is found and sorted by: 32 hexadecimal digits, of IPv4 too."""
    return f"{int(address):032x}"


def free(session: Session, subnet_id: str, start: int, end: int) -> int | None:
    """The first address from `start` to `end` that nobody has."""
    candidate = start
    while candidate <= end:
        taken = session.execute(
            _taken, {"subnet": subnet_id, "start": key(candidate), "end": key(end)}
        ).scalars().all()
        for address in taken:
            if int(address, 16) != candidate:
                return candidate
            candidate += 1
        if len(taken) < BATCH:
            return candidate if candidate <= end else None
    return None


def pools(subnet: Row[Any]) -> list[tuple[int, int]]:
    """A subnet's allocation pools as numbers: (first, last), both of them in it."""
    return [(int(ip_address(p["start"])), int(ip_address(p["end"])))
            for p in subnet.allocation_pools]


def choose(session: Session, subnet: Row[Any], *, lowest: bool = False) -> int | None:
    """A free address of the subnet's pools, None if there is none."""
    spans = pools(subnet)
    if not spans:
        return None
    if not lowest:
        sizes = [end - start + 1 for start, end in spans]
        chosen = random.choices(range(len(spans)), sizes)[0]
        start, end = spans.pop(chosen)
        point = random.randint(start, end)
        spans = [(point, end), (start, point - 1), *spans]
    for start, end in spans:
        free_one = free(session, subnet.id, start, end)
        if free_one is not None:
            return free_one
    return None


def take(w: Write, subnet: Row[Any], port_id: str, address: Address) -> bool:
    """Whether the address is the port's now."""
    try:
        w.session.execute(_claim, {
            "subnet_id": subnet.id, "address": key(address), "port_id": port_id,
            "ip_address": str(address),
        })
    except IntegrityError:
        return False
    return True


def number(subnet: Row[Any], value: int) -> Address:
    """The number as an address of the subnet's IP version."""
    return IPv4Address(value) if subnet.ip_version == 4 else IPv6Address(value)


def take_any(
    w: Write, subnet: Row[Any], port_id: str, *, lowest: bool = False
) -> FixedIp | None:
    """Any free address of the subnet, None when it is full."""
    for _ in range(32):
        free_one = choose(w.session, subnet, lowest=lowest)
        if free_one is None:
            return None
        address = number(subnet, free_one)
        if take(w, subnet, port_id, address):
            return {"subnet_id": subnet.id, "ip_address": str(address)}
        lowest = False
    raise Again


def automatic(subnet: Row[Any]) -> bool:
    """Whether hosts make their own address up, from their MAC."""
    return subnet.ipv6_address_mode in ("slaac", "dhcpv6-stateless")


def eui64(cidr: str, mac: str) -> IPv6Address:
    """The address that a host makes up from its MAC in the /64 `cidr` (RFC 4862; RFC 4291,
    appendix A)."""
    digits = [int(part, 16) for part in mac.split(":")]
    digits[0] ^= 2
    host = int.from_bytes(bytes([*digits[:3], 0xFF, 0xFE, *digits[3:]]), "big")
    return IPv6Address(int(ip_network(cidr).network_address) | host)


def parse(text: str, field: str) -> Address:
    """Raises BadAttribute."""
    try:
        return ips.address(text)
    except ValueError:
        raise errors.BadAttribute(
            name=field, reason=f"'{text}' is not a valid IP address."
        ) from None


def parse_network(text: str, field: str) -> Network:
    """Raises BadAttribute."""
    try:
        return ips.network(text)
    except ValueError:
        raise errors.BadAttribute(
            name=field, reason=f"'{text}' is not a valid IP subnet."
        ) from None


def usable(subnet: Row[Any], address: Address) -> bool:
    """Whether a host may have the address: inside, and neither the network's nor the broadcast."""
    net = ip_network(subnet.cidr)
    if address not in net:
        return False
    if net.version == 6:
        return net.prefixlen >= 127 or address != net.network_address
    small = net.prefixlen >= 31
    return small or address not in (net.network_address, net.broadcast_address)


def suits(subnet: Row[Any], device_owner: str) -> bool:
    """Whether ports of the owner may have addresses of the subnet: service_types are the starts of
    such owners, and none is every owner."""
    kinds = subnet.service_types
    return not kinds or any(device_owner.startswith(kind) for kind in kinds)


def allocate(
    w: Write, network_id: str, subnets: Sequence[Row[Any]], port_id: str, mac: str,
    device_owner: str, requested: Sequence[Mapping[str, Any]] | None, *, lowest: bool = False,
    held: Sequence[FixedIp] = (),
) -> list[FixedIp]:
    """Claim what a port wants beside what it has (`held`): None is one address of each IP version
    there is. Those that hosts make up themselves are had in any case.

    Raises InvalidIpForNetwork, InvalidInput, IpAddressAlreadyAllocated, IpAddressGenerationFailure.
    """
    own = made_up(subnets, device_owner, mac)
    if requested is not None:
        auto = {fixed["subnet_id"] for fixed in own}
        parts = [part for part in requested
                 if part.get("ip_address") or part.get("subnet_id") not in auto]
        # Those with an address before those with any: chance shall not take it.
        turns = sorted(enumerate(parts), key=lambda turn: not turn[1].get("ip_address"))
        claims = {at: _claimed(w, network_id, subnets, port_id, mac, device_owner, part, lowest)
                  for at, part in turns}
        got = [claims[at] for at in range(len(parts))]
        had = {fixed["subnet_id"] for fixed in [*held, *got]}
        return got + [_from_mac(w, subnets, port_id, f) for f in own if f["subnet_id"] not in had]
    got = []
    fitting = [s for s in subnets if suits(s, device_owner)]
    for version in (4, 6):
        candidates = [s for s in fitting if s.ip_version == version and not automatic(s)]
        if not candidates:
            continue
        for subnet in candidates:
            fixed = take_any(w, subnet, port_id, lowest=lowest)
            if fixed is not None:
                got.append(fixed)
                break
        else:
            raise errors.IpAddressGenerationFailure(network=network_id)
    return got + [_from_mac(w, subnets, port_id, fixed) for fixed in own]


def made_up(subnets: Iterable[Row[Any]], device_owner: str, mac: str) -> list[FixedIp]:
    """What a port's host makes up for itself on these subnets."""
    if device_owner in GIVEN_OWNERS:
        return []
    return [{"subnet_id": s.id, "ip_address": str(eui64(s.cidr, mac))}
            for s in subnets if automatic(s) and suits(s, device_owner)]


def _from_mac(
    w: Write, subnets: Iterable[Row[Any]], port_id: str, fixed: FixedIp
) -> FixedIp:
    subnet = next(s for s in subnets if s.id == fixed["subnet_id"])
    if not take(w, subnet, port_id, ip_address(fixed["ip_address"])):
        raise errors.IpAddressAlreadyAllocated(ip=fixed["ip_address"], subnet=subnet.id)
    return fixed


def _claimed(
    w: Write, network_id: str, subnets: Iterable[Row[Any]], port_id: str, mac: str,
    device_owner: str, part: Mapping[str, Any], lowest: bool,
) -> FixedIp:
    by_id = {s.id: s for s in subnets}
    subnet = None
    if part.get("subnet_id"):
        subnet = by_id.get(part["subnet_id"])
        if subnet is None:
            raise errors.SubnetMismatch(subnet=part["subnet_id"], network=network_id)
    if not part.get("ip_address"):
        if subnet is None:
            raise errors.InvalidInput(reason="A fixed IP needs a subnet_id or an ip_address")
        if automatic(subnet) and device_owner not in ROUTER_OWNERS:
            fixed = {"subnet_id": subnet.id, "ip_address": str(eui64(subnet.cidr, mac))}
            return _from_mac(w, [subnet], port_id, fixed)
        taken = take_any(w, subnet, port_id, lowest=lowest)
        if taken is None:
            raise errors.IpAddressGenerationFailure(network=network_id)
        return taken
    address = parse(part["ip_address"], "fixed_ips.ip_address")
    if subnet is None:
        subnet = next((s for s in by_id.values() if address in ip_network(s.cidr)), None)
        if subnet is None:
            raise errors.InvalidIpForNetwork(ip=address)
    if not usable(subnet, address):
        raise errors.InvalidIpForSubnet(ip=address)
    if automatic(subnet) and device_owner not in ROUTER_OWNERS:
        if address != eui64(subnet.cidr, mac):
            raise errors.InvalidInput(
                reason=f"IPv6 address {address} can not be directly assigned to a port on subnet "
                f"{subnet.id} since the subnet is configured for automatic addresses"
            )
    if not take(w, subnet, port_id, address):
        raise errors.IpAddressAlreadyAllocated(ip=address, subnet=subnet.id)
    return {"subnet_id": subnet.id, "ip_address": str(address)}


def release(w: Write, port_id: str, fixed_ips: Iterable[FixedIp] | None = None) -> None:
    """Give up some of a port's addresses, or all of them."""
    if fixed_ips is None:
        w.session.execute(_release, {"port": port_id})
        return
    for fixed in fixed_ips:
        w.session.execute(delete(ALLOCATIONS).where(
            ALLOCATIONS.c.subnet_id == fixed["subnet_id"],
            ALLOCATIONS.c.address == key(ip_address(fixed["ip_address"])),
        ))
