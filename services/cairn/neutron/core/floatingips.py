"""Floating IPs: an address outside, and the address inside that it leads to."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.core import addresses, agents, ports, quotas, tags
from cairn.neutron.core.kinds import (
    FLOATING,
    FLOATINGIP,
    INTERFACES,
    NETWORK,
    PORT,
    PORTS,
    ROUTERS,
    SUBNETS,
    find,
)
from cairn.neutron.core.resources import Request, Resource, check_create, made
from cairn.neutron.core.write import Write


def create(w: Write, request: Mapping[str, Any]) -> str:
    """The new floating IP's id. Raises BadRequest, NotFound, Conflict."""
    network = find(w.session, w.ctx, NETWORK, request["floating_network_id"])
    if not network.external:
        raise errors.BadRequest(
            resource="floatingip", reason=f"Network {network.id} is not a valid external network"
        )
    id, now = new_id(), utcnow()
    outside = ports.create(w, network, {
        "project_id": "", "device_owner": "network:floatingip", "device_id": id, "status": "N/A",
        "fixed_ips": _outside(w, network, request),
    }, checked=False)
    fours = [f["ip_address"] for f in outside.fixed_ips if ip_address(f["ip_address"]).version == 4]
    if not fours:
        raise errors.BadRequest(
            resource="floatingip",
            reason=f"Network {network.id} does not contain any IPv4 subnet with an address left",
        )
    w.session.execute(insert(FLOATING).values(
        id=id, project_id=request["project_id"], created_at=now, updated_at=now, revision=0,
        name="", description=request.get("description", ""), tags=[], status="DOWN",
        floating_network_id=network.id, floating_ip_address=fours[0], floating_port_id=outside.id,
        # Of any domain, as a port's is not.
        dns_name=ports.checked_domain(request.get("dns_name"), "dns_name"),
        dns_domain=ports.checked_domain(request.get("dns_domain")),
    ))
    if request.get("tags"):
        tags.replace(w, FLOATINGIP, id, request["tags"])
    if request.get("port_id"):
        row = w.session.execute(select(FLOATING).where(FLOATING.c.id == id)).one()
        associate(w, row, request["port_id"], request.get("fixed_ip_address"))
    elif request.get("fixed_ip_address"):
        raise errors.BadRequest(
            resource="floatingip", reason="fixed_ip_address cannot be specified without a port_id"
        )
    quotas.take(w, request["project_id"], "floatingip")
    return id


def _outside(w: Write, network: Row[Any], request: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the port outside asks for: one IPv4 address."""
    if request.get("floating_ip_address"):
        fixed = {"ip_address": request["floating_ip_address"]}
        if request.get("subnet_id"):
            fixed["subnet_id"] = request["subnet_id"]
        return [fixed]
    if request.get("subnet_id"):
        return [{"subnet_id": request["subnet_id"]}]
    fours = [s for s in ports.subnets_of(w.session, network.id) if s.ip_version == 4]
    if not fours:
        raise errors.BadRequest(
            resource="floatingip",
            reason=f"Network {network.id} does not contain any IPv4 subnet",
        )
    for subnet in fours:
        if addresses.choose(w.session, subnet) is not None:
            return [{"subnet_id": subnet.id}]
    raise errors.IpAddressGenerationFailure(network=network.id)


def change(w: Write, floating: Row[Any], request: Mapping[str, Any]) -> None:
    """`floating` is held by the transaction. Raises BadRequest, NotFound, Conflict."""
    values = {n: request[n] for n in ("description",) if n in request}
    w.session.execute(
        update(FLOATING).where(FLOATING.c.id == floating.id)
        .values(**values, revision=FLOATING.c.revision + 1, updated_at=utcnow())
    )
    if "port_id" in request:
        if request["port_id"]:
            associate(w, floating, request["port_id"], request.get("fixed_ip_address"))
        else:
            _disassociate(w, floating)
    elif request.get("fixed_ip_address"):
        if not floating.port_id:
            raise errors.BadRequest(
                resource="floatingip",
                reason="fixed_ip_address cannot be specified without a port_id",
            )
        associate(w, floating, floating.port_id, request["fixed_ip_address"])
    w.record("floatingip", "update", w.session.execute(
        select(FLOATING).where(FLOATING.c.id == floating.id)).one())


def associate(w: Write, floating: Row[Any], port_id: str, fixed: str | None) -> None:
    """Raises BadRequest, PortNotFound, ExternalGatewayForFloatingIPNotFound,
    FloatingIPPortAlreadyAssociated."""
    port = find(w.session, w.ctx, PORT, port_id)
    if not w.ctx.is_admin and port.project_id != floating.project_id:
        raise errors.BadRequest(
            resource="floatingip",
            reason=f"Port {port.id} is not associated with project {floating.project_id}",
        )
    held = [f for f in port.fixed_ips if ip_address(f["ip_address"]).version == 4]
    if fixed:
        held = [f for f in held if f["ip_address"] == fixed]
        if not held:
            raise errors.BadRequest(
                resource="floatingip",
                reason=f"Port {port.id} does not have fixed ip {fixed}",
            )
    if not held:
        raise errors.BadRequest(
            resource="floatingip", reason=f"Port {port.id} does not have any IPv4 address"
        )
    if len(held) > 1 and not fixed:
        raise errors.BadRequest(
            resource="floatingip",
            reason=f"Port {port.id} has multiple fixed IPv4 addresses. Must provide a specific "
            "IPv4 address when assigning a floating IP",
        )
    inside = held[0]
    router_id, host = _router(w, floating, port, inside["subnet_id"])
    try:
        w.session.execute(update(FLOATING).where(FLOATING.c.id == floating.id).values(
            port_id=port.id, fixed_ip_address=inside["ip_address"], router_id=router_id,
            status="DOWN",
        ))
    except IntegrityError:
        raise errors.FloatingIPPortAlreadyAssociated(
            ip=floating.floating_ip_address, id=floating.id, port=port.id,
            fixed=inside["ip_address"], network=floating.floating_network_id,
        ) from None
    w.hosts.add(host)
    _tell(w, floating)


def _router(
    w: Write, floating: Row[Any], port: Row[Any], subnet_id: str
) -> tuple[str, str]:
    """The router that leads from the subnet to the floating IP's network, and its host: where
    several do, the one at the subnet's gateway address."""
    leading = w.session.execute(
        select(ROUTERS.c.id, ROUTERS.c.host, PORTS.c.fixed_ips)
        .join(INTERFACES, INTERFACES.c.router_id == ROUTERS.c.id)
        .join(PORTS, PORTS.c.id == INTERFACES.c.port_id)
        .where(INTERFACES.c.subnet_id == subnet_id,
               ROUTERS.c.gateway_network_id == floating.floating_network_id)
        .order_by(ROUTERS.c.id)
    ).all()
    if not leading:
        raise errors.ExternalGatewayForFloatingIPNotFound(
            network=floating.floating_network_id, subnet=subnet_id, port=port.id
        )
    gateway = w.session.scalar(select(SUBNETS.c.gateway_ip).where(SUBNETS.c.id == subnet_id))
    for row in leading:
        if gateway in {f["ip_address"] for f in row.fixed_ips}:
            return row.id, row.host
    return leading[0].id, leading[0].host


def _disassociate(w: Write, floating: Row[Any]) -> None:
    w.session.execute(
        update(FLOATING).where(FLOATING.c.id == floating.id).values(**ports.LOOSE))
    _tell(w, floating)


def _tell(w: Write, floating: Any) -> None:
    if floating.router_id:
        w.hosts.add(w.session.scalar(
            select(ROUTERS.c.host).where(ROUTERS.c.id == floating.router_id)) or "")


def delete(w: Write, floating: Row[Any]) -> None:
    """With its port outside. `floating` is held by the transaction; its router's host is told."""
    _tell(w, floating)
    tags.forget(w, floating.id)
    w.session.execute(FLOATING.delete().where(FLOATING.c.id == floating.id))
    w.record("floatingip", "delete", floating)
    port = w.session.execute(
        select(PORTS).where(PORTS.c.id == floating.floating_port_id)).first()
    if port is not None:
        ports.drop(w, port)
    quotas.give_back(w, floating.project_id, "floatingip")


def associated(w: Write, network_id: str) -> list[str]:
    """The ports of the network's floating IPs that lead somewhere."""
    return list(w.session.scalars(select(FLOATING.c.floating_port_id).where(
        FLOATING.c.floating_network_id == network_id, FLOATING.c.port_id.is_not(None))))


def delete_all(w: Write, network_id: str) -> None:
    """The floating IPs of a network that is going."""
    for floating in w.session.execute(
        select(FLOATING).where(FLOATING.c.floating_network_id == network_id)
    ).all():
        delete(w, floating)


def report(w: Write, node: str, statuses: Mapping[str, str]) -> None:
    """What a host's routers made of their floating IPs."""
    mine = select(ROUTERS.c.id).where(ROUTERS.c.host == node)
    by_status: dict[str, list[str]] = {}
    for id, status in statuses.items():
        by_status.setdefault(status, []).append(id)
    for status, ids in by_status.items():
        for floating in w.session.execute(select(FLOATING).where(
            FLOATING.c.id.in_(ids), FLOATING.c.router_id.in_(mine), FLOATING.c.status != status
        ).with_for_update()).all():
            w.session.execute(
                update(FLOATING).where(FLOATING.c.id == floating.id).values(status=status))
            w.record("floatingip", "update", floating, status=status)


def give_up(w: Write) -> None:
    """Floating IPs of routers that no living agent carries lead nowhere: they are DOWN until an
    agent says otherwise."""
    for floating in w.session.execute(
        select(FLOATING, ROUTERS.c.host)
        .join(ROUTERS, ROUTERS.c.id == FLOATING.c.router_id)
        .where(FLOATING.c.status != "DOWN",
               ROUTERS.c.host.not_in(agents.living(w.session, w.neutron.settings, agents.L3)))
    ).all():
        w.session.execute(
            update(FLOATING).where(FLOATING.c.id == floating.id).values(status="DOWN"))
        w.record("floatingip", "update", floating, status="DOWN")
        w.hosts.add(floating.host)  # Who is there after all looks again, and says so.


def list_ports(session: Session, floatingips: Sequence[Any]) -> list[Row[Any] | None]:
    """The port that each floating IP leads to."""
    ids = [floating.port_id for floating in floatingips if floating.port_id]
    rows = session.execute(select(PORTS).where(PORTS.c.id.in_(ids))).all() if ids else []
    by_id = {row.id: row for row in rows}
    return [by_id.get(floating.port_id) for floating in floatingips]


def _make(w: Write, request: Request) -> Row[Any]:
    check_create(w, FLOATINGIP, request)
    return made(w, FLOATINGIP, create(w, request))


RESOURCE = Resource(FLOATINGIP, _make, change, delete, relate=list_ports)
