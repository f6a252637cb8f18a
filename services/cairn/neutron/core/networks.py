"""What it means to make, change and delete a network."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.core import dhcp, floatingips, ports, quotas, subnets, tags
from cairn.neutron.core.kinds import (
    NETWORK,
    NETWORKS,
    PORTS,
    ROUTERS,
    SUBNETS,
    network_target,
)
from cairn.neutron.core.resources import Request, Resource, check_create, made
from cairn.neutron.core.write import Again, Write
from cairn.neutron.settings import NetworkSettings

# What VXLAN, the outer UDP and IPv4 and the inner Ethernet header take of the wire's MTU.
OVERHEAD = {"vxlan": 50}
# Ports that nobody but the network itself wants.
OWN = ("network:dhcp", "network:floatingip")


_subnet_ids = (
    select(SUBNETS.c.network_id, SUBNETS.c.id)
    .where(SUBNETS.c.network_id.in_(bindparam("ids", expanding=True)))
    .order_by(SUBNETS.c.created_at, SUBNETS.c.id)
)


def ranges(text: str) -> list[tuple[int, int]]:
    """ "1:1000, 5000:6000" as pairs."""
    return [(int(first), int(last)) for first, _, last in
            (part.strip().partition(":") for part in text.split(",") if part.strip())]


def vlan_ranges(text: str) -> list[tuple[str, int, int]]:
    """ "physnet1:100:199, physnet2:5:9" as (physical network, first VLAN, last VLAN)."""
    parts = (part.strip().split(":") for part in text.split(",") if part.strip())
    return [(name, int(first), int(last)) for name, first, last in parts]


def physical_networks(settings: NetworkSettings) -> list[str]:
    """The physical networks that operators' provider networks may be on."""
    return [name.strip() for name in settings.physical_networks.split(",") if name.strip()]


def largest_mtu(settings: NetworkSettings, network_type: str) -> int:
    """The MTU in bytes that the wire leaves a network of the type: without what is put around its
    packets."""
    return settings.underlay_mtu - OVERHEAD.get(network_type, 0)


def create(w: Write, request: Mapping[str, Any]) -> str:
    """The new network's id. Raises Invalid, Conflict, NoNetworkAvailable."""
    settings = w.neutron.settings
    given = {name.removeprefix("provider:"): request.get(name) for name in (
        "provider:network_type", "provider:physical_network", "provider:segmentation_id")}
    kind = given["network_type"]
    if kind is None and any(value not in (None, "") for value in given.values()):
        raise errors.InvalidInput(reason="network_type required")
    kind = kind or settings.tenant_network_types.split(",")[0].strip()
    limit = largest_mtu(settings, kind)
    mtu = request.get("mtu") or limit
    if mtu > limit:
        raise errors.MTUTooBig(limit=limit)
    external = request.get("router:external", False)
    is_default = bool(request.get("is_default"))
    if is_default:
        _only_default(w, None, external)
    now = utcnow()
    row = {
        "id": new_id(), "project_id": request["project_id"], "created_at": now, "updated_at": now,
        "name": request.get("name", ""), "description": request.get("description", ""),
        "revision": 1, "tags": [], "admin_state_up": request.get("admin_state_up", True),
        "status": "ACTIVE", "shared": request.get("shared", False), "external": external,
        "is_default": is_default, "mtu": mtu,
        "port_security_enabled": request.get("port_security_enabled", True), "network_type": kind,
        "dns_domain": ports.checked_domain(request.get("dns_domain")),
        "availability_zone_hints": request.get("availability_zone_hints", []),
    }
    _segment(w, row, given)
    if request.get("tags"):
        tags.replace(w, NETWORK, row["id"], request["tags"])
    quotas.take(w, row["project_id"], "network")
    return str(row["id"])


def _segment(w: Write, row: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Insert the row with a segment that is its alone."""
    settings, kind = w.neutron.settings, row["network_type"]
    physical, number = given["physical_network"] or "", given["segmentation_id"]
    if kind in ("flat", "vlan"):
        reachable = physical_networks(settings)
        if not physical and (kind == "flat" or number is not None):
            raise errors.InvalidInput(reason=f"physical_network required for {kind} network")
        if physical and physical not in reachable:
            raise errors.InvalidInput(
                reason=f"physical_network '{physical}' unknown for {kind} provider network; known: "
                f"{', '.join(reachable) or 'none'}"
            )
    elif physical:
        raise errors.InvalidInput(reason=f"physical_network prohibited for {kind} network")
    if kind in ("flat", "local"):
        if number is not None:
            raise errors.InvalidInput(reason=f"segmentation_id prohibited for {kind} network")
        if not _inserted(w, row, physical, 0 if kind == "flat" else None):
            raise errors.FlatNetworkInUse(physical_network=physical)
        return
    top = 4094 if kind == "vlan" else 2**24 - 1
    if number is not None:
        if not 1 <= number <= top:
            raise errors.InvalidInput(reason=f"segmentation_id out of range (1 through {top})")
        if not _inserted(w, row, physical, number):
            if kind == "vlan":
                raise errors.VlanIdInUse(id=number, physical_network=physical)
            raise errors.VxlanIdInUse(id=number)
        return
    if kind == "vxlan":
        spans = [("", first, last) for first, last in ranges(settings.vni_ranges)]
    else:
        spans = [s for s in vlan_ranges(settings.vlan_ranges) if physical in ("", s[0])]
    _any_segment(w, row, spans)


def _any_segment(
    w: Write, row: dict[str, Any], spans: list[tuple[str, int, int]]
) -> None:
    for _ in range(8):
        if not spans:
            break
        name, first, last = random.choice(spans)
        if _inserted(w, row, name, random.randint(first, last)):
            return
    for name, first, last in spans:
        used = set(w.session.scalars(
            select(NETWORKS.c.segmentation_id).where(
                NETWORKS.c.network_type == row["network_type"],
                NETWORKS.c.physical_network == name,
            )
        ))
        if left := [n for n in range(first, last + 1) if n not in used]:
            if _inserted(w, row, name, random.choice(left)):
                return
            raise Again
    raise errors.NoNetworkAvailable


def _inserted(w: Write, row: dict[str, Any], physical: str, number: int | None) -> bool:
    try:
        w.session.execute(insert(NETWORKS).values(
            **row, physical_network=physical, segmentation_id=number
        ))
    except IntegrityError:
        return False
    return True


def _only_default(w: Write, mine: str | None, external: bool) -> None:
    if not external:
        return
    other = w.session.scalar(select(NETWORKS.c.id).where(
        NETWORKS.c.is_default.is_(True), NETWORKS.c.external.is_(True),
        NETWORKS.c.id != (mine or ""),
    ))
    if other is not None:
        raise errors.DefaultExternalNetworkExists(id=other)


COLUMNS = {
    "name": "name", "description": "description", "admin_state_up": "admin_state_up",
    "shared": "shared", "router:external": "external", "is_default": "is_default", "mtu": "mtu",
    "port_security_enabled": "port_security_enabled", "dns_domain": "dns_domain",
}


def change(w: Write, network: Row[Any], request: Mapping[str, Any]) -> None:
    """`network` is held by the transaction. Raises Invalid, InvalidSharedSetting,
    ExternalNetworkInUse."""
    values = {COLUMNS[name]: value for name, value in request.items() if name in COLUMNS}
    for name, column in (("provider:network_type", "network_type"),
                         ("provider:physical_network", "physical_network"),
                         ("provider:segmentation_id", "segmentation_id")):
        if name in request and (request[name] or "") != (getattr(network, column) or ""):
            raise errors.InvalidInput(reason="Plugin does not support updating provider attributes")
    if "dns_domain" in values:
        values["dns_domain"] = ports.checked_domain(values["dns_domain"])
    if "mtu" in values:
        limit = largest_mtu(w.neutron.settings, network.network_type)
        values["mtu"] = values["mtu"] or limit
        if values["mtu"] > limit:
            raise errors.MTUTooBig(limit=limit)
        subnets.check_mtu(network.id, values["mtu"], w.session.scalars(
            select(SUBNETS.c.ip_version).where(SUBNETS.c.network_id == network.id)).all())
    if network.shared and values.get("shared") is False:
        strangers = w.session.scalar(select(func.count()).select_from(PORTS).where(
            PORTS.c.network_id == network.id,
            PORTS.c.project_id.not_in([network.project_id, ""]),
        ))
        if strangers:
            raise errors.InvalidSharedSetting(id=network.id)
    if network.external and values.get("external") is False:
        if w.session.scalar(
            select(ROUTERS.c.id).where(ROUTERS.c.gateway_network_id == network.id).limit(1)
        ):
            raise errors.ExternalNetworkInUse(id=network.id)
    if values.get("is_default"):
        _only_default(w, network.id, values.get("external", network.external))
    w.session.execute(
        update(NETWORKS).where(NETWORKS.c.id == network.id)
        .values(**values, revision=NETWORKS.c.revision + 1, updated_at=utcnow())
    )
    w.record("network", "update", network, **values)
    w.networks.add(network.id)


def delete(w: Write, network: Row[Any]) -> None:
    """With its subnets, and the ports that served nobody but it; held by the transaction. Raises
    NetworkInUse."""
    users = w.session.execute(
        select(PORTS.c.id, PORTS.c.device_owner).where(PORTS.c.network_id == network.id)
    ).all()
    busy = [port.id for port in users if port.device_owner not in OWN]
    busy += floatingips.associated(w, network.id)
    if busy:
        raise errors.NetworkInUse(id=network.id, ports=", ".join(sorted(busy)))
    dhcp.withdraw(w, network.id)
    floatingips.delete_all(w, network.id)
    for subnet in w.session.execute(
        select(SUBNETS).where(SUBNETS.c.network_id == network.id)
    ).all():
        subnets.drop(w, subnet)
    for port in w.session.execute(
        select(PORTS).where(PORTS.c.network_id == network.id)
    ).all():
        ports.drop(w, port)
    tags.forget(w, network.id)
    w.session.execute(NETWORKS.delete().where(NETWORKS.c.id == network.id))
    w.record("network", "delete", network)
    quotas.give_back(w, network.project_id, "network")


def list_subnets(session: Session, networks: Sequence[Any]) -> list[list[str]]:
    """The ids of each network's subnets, oldest first."""
    subnets_of: dict[str, list[str]] = {network.id: [] for network in networks}
    if subnets_of:
        for network_id, subnet_id in session.execute(_subnet_ids, {"ids": list(subnets_of)}):
            subnets_of[network_id].append(subnet_id)
    return list(subnets_of.values())


def _make(w: Write, request: Request) -> Row[Any]:
    check_create(w, NETWORK, request)
    return made(w, NETWORK, create(w, request))


RESOURCE = Resource(NETWORK, _make, change, delete, network_target, list_subnets)
