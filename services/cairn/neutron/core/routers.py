"""Routers: their gateway, their interfaces, and the host that carries them."""

import random
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core import agents, ips, ports, quotas, tags
from cairn.neutron.core.kinds import (
    FLOATING,
    INTERFACES,
    NETWORK,
    NETWORKS,
    PORT,
    PORTS,
    ROUTER,
    ROUTERS,
    SUBNET,
    SUBNETS,
    claim,
    find,
    target,
    unscoped,
)
from cairn.neutron.core.resources import (
    Item,
    Request,
    Resource,
    check_create,
    check_revision,
    items_of,
    made,
)
from cairn.neutron.core.write import Write, write

T = TypeVar("T")

INTERFACE, GATEWAY = "network:router_interface", "network:router_gateway"


def create(w: Write, request: Mapping[str, Any]) -> str:
    """The new router's id. Raises Invalid, Conflict, NetworkNotFound."""
    id, now = new_id(), utcnow()
    w.session.execute(insert(ROUTERS).values(
        id=id, project_id=request["project_id"], created_at=now, updated_at=now, revision=1,
        name=request.get("name", ""), description=request.get("description", ""), tags=[],
        admin_state_up=request.get("admin_state_up", True), status="ACTIVE", enable_snat=True,
        routes=[], availability_zone_hints=request.get("availability_zone_hints", []), host="",
    ))
    if request.get("tags"):
        tags.replace(w, ROUTER, id, request["tags"])
    if request.get("external_gateway_info"):
        set_gateway(w, _row(w, id), request["external_gateway_info"])
    if request.get("routes"):
        _set_routes(w, _row(w, id), request["routes"])
    quotas.take(w, request["project_id"], "router")
    return id


def _row(w: Write, id: str) -> Row[Any]:
    return w.session.execute(select(ROUTERS).where(ROUTERS.c.id == id)).one()


def change(w: Write, router: Row[Any], request: Mapping[str, Any]) -> None:
    """`router` is held by the transaction. Raises Invalid, Conflict."""
    values = {n: request[n] for n in ("name", "description", "admin_state_up") if n in request}
    w.session.execute(
        update(ROUTERS).where(ROUTERS.c.id == router.id)
        .values(**values, revision=ROUTERS.c.revision + 1, updated_at=utcnow())
    )
    if "external_gateway_info" in request:
        set_gateway(w, router, request["external_gateway_info"] or {})
    if "routes" in request:
        _set_routes(w, _row(w, router.id), request["routes"] or [])
    w.record("router", "update", router, **values)
    _tell(w, router.id)


def delete(w: Write, router: Row[Any]) -> None:
    """`router` is held by the transaction. Raises RouterInUse."""
    if w.session.scalar(
        select(INTERFACES.c.port_id).where(INTERFACES.c.router_id == router.id).limit(1)
    ):
        raise errors.RouterInUse(id=router.id, reason="still has ports")
    if w.session.scalar(select(FLOATING.c.id).where(FLOATING.c.router_id == router.id).limit(1)):
        raise errors.RouterInUse(id=router.id, reason="still has floating IPs")
    _clear_gateway(w, router)
    tags.forget(w, router.id)
    w.hosts.add(router.host)
    w.session.execute(ROUTERS.delete().where(ROUTERS.c.id == router.id))
    w.record("router", "delete", router)
    quotas.give_back(w, router.project_id, "router")


def _tell(w: Write, id: str) -> None:
    w.hosts.add(w.session.scalar(select(ROUTERS.c.host).where(ROUTERS.c.id == id)) or "")


def interface_ports(session: Session, id: str) -> Sequence[Row[Any]]:
    """The ports by which a router is connected to subnets, without the one of its gateway."""
    return session.execute(
        select(PORTS).where(PORTS.c.device_id == id, PORTS.c.device_owner == INTERFACE)
    ).all()


# The gateway.


def set_gateway(w: Write, router: Row[Any], info: Mapping[str, Any]) -> None:
    """Raises BadRequest where the network is no external one, and
    RouterExternalGatewayInUseByFloatingIp."""
    network_id = info.get("network_id")
    if not network_id:
        if info.get("enable_snat") is not None or info.get("external_fixed_ips"):
            raise errors.BadRequest(
                resource="router", reason="external_gateway_info needs a network_id"
            )
        _clear_gateway(w, router)
        return
    network = find(w.session, w.ctx, NETWORK, network_id)
    if not network.external:
        raise errors.BadRequest(
            resource="router", reason=f"Network {network_id} is not an external network"
        )
    snat = info.get("enable_snat")
    fixed_ips = info.get("external_fixed_ips")
    w.session.execute(update(ROUTERS).where(ROUTERS.c.id == router.id).values(
        enable_snat=True if snat is None else snat
    ))
    same = router.gateway_network_id == network_id
    if same and router.gateway_port_id:
        if fixed_ips:
            port = claim(w.session, w.ctx, PORT, router.gateway_port_id)
            ports.change(w, port, network, {"fixed_ips": fixed_ips})
        _tell(w, router.id)
        return
    _clear_gateway(w, router)
    _check_overlap(w, router, network_id)
    host = place(w, router)
    made = ports.create(w, network, {
        "project_id": "", "device_owner": GATEWAY, "device_id": router.id,
        "fixed_ips": fixed_ips or None, "binding:host_id": host,
    }, checked=False)
    w.session.execute(update(ROUTERS).where(ROUTERS.c.id == router.id).values(
        gateway_port_id=made.id, gateway_network_id=network_id
    ))


def _check_overlap(w: Write, router: Row[Any], network_id: str) -> None:
    outside = w.session.scalars(
        select(SUBNETS.c.cidr).where(SUBNETS.c.network_id == network_id)).all()
    inside = w.session.execute(
        select(SUBNETS.c.cidr, SUBNETS.c.id)
        .join(INTERFACES, INTERFACES.c.subnet_id == SUBNETS.c.id)
        .where(INTERFACES.c.router_id == router.id)).all()
    _no_overlap(outside, inside)


def _no_overlap(one: Sequence[str], other: Sequence[Any]) -> None:
    nets = [ip_network(cidr) for cidr in one]
    for cidr, id in other:
        held = ip_network(cidr)
        for net in nets:
            if net.version == held.version and net.overlaps(held):
                raise errors.BadRequest(
                    resource="router",
                    reason=f"Cidr {net} of subnet overlaps with cidr {held} of subnet {id}",
                )


def _clear_gateway(w: Write, router: Row[Any]) -> None:
    if router.gateway_port_id is None:
        return
    if w.session.scalar(select(FLOATING.c.id).where(FLOATING.c.router_id == router.id).limit(1)):
        raise errors.RouterExternalGatewayInUseByFloatingIp(
            router=router.id, network=router.gateway_network_id
        )
    port = w.session.execute(select(PORTS).where(PORTS.c.id == router.gateway_port_id)).one()
    w.session.execute(update(ROUTERS).where(ROUTERS.c.id == router.id).values(
        gateway_port_id=None, gateway_network_id=None
    ))
    ports.drop(w, port)
    w.hosts.add(router.host)


# The interfaces.


def add_interface(w: Write, router: Row[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """By subnet (a new port at its gateway address) or by port. `router` is held by the
    transaction. Raises BadRequest, Conflict, SubnetNotFound, PortNotFound."""
    subnet_id, port_id = request.get("subnet_id"), request.get("port_id")
    if bool(subnet_id) == bool(port_id):
        raise errors.BadRequest(
            resource="router", reason="Exactly one of subnet_id and port_id must be specified"
        )
    host = place(w, router)
    if port_id:
        port, subnets = _plug_port(w, router, port_id, host)
    else:
        port, subnets = _plug_subnet(w, router, str(subnet_id), host)
    w.session.execute(
        update(ROUTERS).where(ROUTERS.c.id == router.id).values(revision=ROUTERS.c.revision + 1)
    )
    w.hosts.add(host)
    w.networks.add(port.network_id)
    return _recorded(w, "create", router, port, [s.id for s in subnets])


def _recorded(
    w: Write, verb: str, router: Any, port: Any, subnet_ids: list[str]
) -> dict[str, Any]:
    """The interface as clients and events are told of it."""
    interface = {
        "id": router.id, "tenant_id": router.project_id, "project_id": router.project_id,
        "port_id": port.id, "network_id": port.network_id, "subnet_id": subnet_ids[0],
        "subnet_ids": subnet_ids, "tags": [],
    }
    w.record_event(f"router.interface.{verb}", "router", router.id,
                   {"router_interface": interface}, router.project_id)
    return interface


def _plug_port(
    w: Write, router: Row[Any], port_id: str, host: str
) -> tuple[Any, list[Row[Any]]]:
    port = claim(w.session, w.ctx, PORT, port_id)
    if not unscoped(w.ctx) and port.project_id not in (w.ctx.project, router.project_id):
        # Its network's owner sees it, and no more.
        raise errors.PortNotFound(port_id)
    if port.device_id or port.device_owner:
        raise errors.PortInUse(
            port=port.id, network=port.network_id, device=port.device_id or port.device_owner
        )
    if not port.fixed_ips:
        raise errors.BadRequest(
            resource="router", reason="Router port must have at least one fixed IP"
        )
    network = find(w.session, w.ctx, NETWORK, port.network_id)
    ids = list(dict.fromkeys(f["subnet_id"] for f in port.fixed_ips))
    if len([f for f in port.fixed_ips if ip_address(f["ip_address"]).version == 4]) > 1:
        raise errors.BadRequest(
            resource="router", reason="Cannot have multiple IPv4 subnets on router port"
        )
    subnets = list(w.session.execute(select(SUBNETS).where(SUBNETS.c.id.in_(ids))).all())
    for subnet in subnets:
        _join(w, router, subnet, port.id)
    ports.change(w, port, network, {
        "device_id": router.id, "device_owner": INTERFACE, "binding:host_id": host,
        "port_security_enabled": False, "security_groups": [], "allowed_address_pairs": [],
    })
    return port, subnets


def _plug_subnet(
    w: Write, router: Row[Any], subnet_id: str, host: str
) -> tuple[Any, list[Row[Any]]]:
    subnet = find(w.session, w.ctx, SUBNET, subnet_id)
    network = w.session.execute(select(NETWORKS).where(NETWORKS.c.id == subnet.network_id)).one()
    if not unscoped(w.ctx) and w.ctx.project not in (subnet.project_id, network.project_id):
        # Where a network is but shared, its gateway's address is nobody's to take.
        raise errors.BadRequest(
            resource="router", reason="Cannot add interface to router because subnet "
            f"{subnet_id} is not owned by project making the request"
        )
    if not subnet.gateway_ip:
        raise errors.BadRequest(
            resource="router", reason=f"Subnet {subnet_id} must have a gateway IP"
        )
    fixed = {"subnet_id": subnet.id, "ip_address": subnet.gateway_ip}
    port = None
    if subnet.ip_version == 6:
        # IPv6 subnets of one network share one port.
        port = next((p for p in interface_ports(w.session, router.id)
                     if p.network_id == network.id and all(
                         ip_address(f["ip_address"]).version == 6 for f in p.fixed_ips)), None)
    if port is not None:
        _join(w, router, subnet, port.id)
        port = claim(w.session, w.ctx, PORT, port.id)
        ports.change(w, port, network, {"fixed_ips": [*port.fixed_ips, fixed]})
        return port, [subnet]
    _check_join(w, router, subnet)
    made = ports.create(w, network, {
        "project_id": router.project_id, "device_owner": INTERFACE, "device_id": router.id,
        "fixed_ips": [fixed], "binding:host_id": host,
    }, checked=False)
    _join(w, router, subnet, made.id)
    return made, [subnet]


def _join(w: Write, router: Row[Any], subnet: Row[Any], port_id: str) -> None:
    _check_join(w, router, subnet)
    try:
        w.session.execute(insert(INTERFACES).values(
            router_id=router.id, subnet_id=subnet.id, port_id=port_id
        ))
    except IntegrityError:
        raise errors.BadRequest(
            resource="router", reason=f"Router already has a port on subnet {subnet.id}"
        ) from None


def _check_join(w: Write, router: Row[Any], subnet: Row[Any]) -> None:
    held = w.session.execute(
        select(SUBNETS.c.cidr, SUBNETS.c.id)
        .join(INTERFACES, INTERFACES.c.subnet_id == SUBNETS.c.id)
        .where(INTERFACES.c.router_id == router.id)
    ).all()
    if subnet.id in {id for _, id in held}:
        raise errors.BadRequest(
            resource="router", reason=f"Router already has a port on subnet {subnet.id}"
        )
    outside = []
    if router.gateway_network_id:
        outside = list(w.session.execute(select(SUBNETS.c.cidr, SUBNETS.c.id).where(
            SUBNETS.c.network_id == router.gateway_network_id)).all())
    _no_overlap([subnet.cidr], [*held, *outside])


def remove_interface(w: Write, router: Row[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises BadRequest, SubnetMismatchForPort, RouterInterfaceNotFound(ForSubnet), and Conflict
    where it is needed."""
    subnet_id, port_id = request.get("subnet_id"), request.get("port_id")
    if not subnet_id and not port_id:
        raise errors.BadRequest(
            resource="router", reason="Either subnet_id or port_id must be specified"
        )
    query = select(INTERFACES).where(INTERFACES.c.router_id == router.id)
    if port_id:
        query = query.where(INTERFACES.c.port_id == port_id)
    if subnet_id:
        query = query.where(INTERFACES.c.subnet_id == subnet_id)
    interfaces = w.session.execute(query).all()
    if not interfaces:
        if subnet_id and not port_id:
            find(w.session, w.ctx, SUBNET, subnet_id)
            raise errors.RouterInterfaceNotFoundForSubnet(router=router.id, subnet=subnet_id)
        if subnet_id and port_id in {p.id for p in interface_ports(w.session, router.id)}:
            raise errors.SubnetMismatchForPort(port=port_id, subnet=subnet_id)
        raise errors.RouterInterfaceNotFound(router=router.id, port=port_id)
    port = w.session.execute(
        select(PORTS).where(PORTS.c.id == interfaces[0].port_id).with_for_update()).one()
    for interface in interfaces:
        _check_unneeded(w, router, interface.subnet_id)
    gone = {interface.subnet_id for interface in interfaces}
    w.session.execute(INTERFACES.delete().where(
        INTERFACES.c.router_id == router.id, INTERFACES.c.subnet_id.in_(gone)))
    left = [f for f in port.fixed_ips if f["subnet_id"] not in gone]
    if left:
        ports.set_fixed_ips(w, port, left)
    else:
        ports.drop(w, port)
    w.session.execute(
        update(ROUTERS).where(ROUTERS.c.id == router.id).values(revision=ROUTERS.c.revision + 1)
    )
    w.hosts.add(router.host)
    w.networks.add(port.network_id)
    return _recorded(w, "delete", router, port, sorted(gone))


def _check_unneeded(w: Write, router: Row[Any], subnet_id: str) -> None:
    subnet = w.session.execute(select(SUBNETS).where(SUBNETS.c.id == subnet_id)).one()
    net = ip_network(subnet.cidr)
    if any(ip_address(route["nexthop"]) in net for route in router.routes):
        raise errors.RouterInterfaceInUseByRoute(router=router.id, subnet=subnet_id)
    fixed = w.session.scalars(
        select(FLOATING.c.fixed_ip_address).join(PORTS, PORTS.c.id == FLOATING.c.port_id)
        .where(FLOATING.c.router_id == router.id, PORTS.c.network_id == subnet.network_id)
    ).all()
    if any(ip_address(address) in net for address in fixed if address):
        raise errors.RouterInterfaceInUseByFloatingIP(router=router.id, subnet=subnet_id)


# Static routes.


def checked_routes(w: Write, router: Row[Any], given: Sequence[Mapping[str, str]]) -> list[Any]:
    """Raises InvalidRoutes, RoutesExhausted."""
    limit = w.neutron.settings.max_routes
    if len(given) > limit:
        raise errors.RoutesExhausted(router=router.id, limit=limit)
    near = list(interface_ports(w.session, router.id))
    subnet_ids = {f["subnet_id"] for p in near for f in p.fixed_ips}
    if router.gateway_port_id:
        gateway = w.session.execute(
            select(PORTS.c.fixed_ips).where(PORTS.c.id == router.gateway_port_id)).scalar_one()
        subnet_ids |= {f["subnet_id"] for f in gateway}
    nets = [ip_network(c) for c in w.session.scalars(
        select(SUBNETS.c.cidr).where(SUBNETS.c.id.in_(subnet_ids)))]
    own = {f["ip_address"] for p in near for f in p.fixed_ips}
    routes = []
    for route in given:
        try:
            destination = ips.network(route["destination"], strict=True)
            hop = ips.address(route["nexthop"])
        except ValueError as wrong:
            raise errors.InvalidRoutes(routes=[dict(route)], reason=str(wrong)) from None
        if destination.version != hop.version:
            raise errors.InvalidRoutes(
                routes=[dict(route)], reason="the nexthop is of another IP version")
        if not any(hop in net for net in nets if net.version == hop.version):
            raise errors.InvalidRoutes(
                routes=[dict(route)], reason="the nexthop is not connected with router")
        if str(hop) in own:
            raise errors.InvalidRoutes(
                routes=[dict(route)], reason="the nexthop is used by router")
        routes.append({"destination": str(destination), "nexthop": str(hop)})
    if len({tuple(r.values()) for r in routes}) < len(routes):
        raise errors.InvalidRoutes(routes=routes, reason="a route is there twice")
    return routes


def _set_routes(w: Write, router: Row[Any], given: Sequence[Mapping[str, str]]) -> None:
    routes = checked_routes(w, router, given)
    w.session.execute(update(ROUTERS).where(ROUTERS.c.id == router.id).values(routes=routes))


def add_routes(w: Write, router: Row[Any], given: Sequence[Mapping[str, str]]) -> None:
    """Set the routes that there are and these; what is there already is not added. Raises
    InvalidRoutes, RoutesExhausted."""
    new = [r for r in map(_plain, given) if r not in router.routes]
    change(w, router, {"routes": [*router.routes, *new]})


def remove_routes(w: Write, router: Row[Any], given: Sequence[Mapping[str, str]]) -> None:
    """Set the routes that there are without these; what is not there is passed over. Raises
    InvalidRoutes."""
    gone = list(map(_plain, given))
    change(w, router, {"routes": [r for r in router.routes if r not in gone]})


def _plain(route: Mapping[str, str]) -> dict[str, str]:
    """As it is stored. Raises InvalidRoutes."""
    try:
        return {"destination": str(ips.network(route["destination"], strict=True)),
                "nexthop": str(ips.address(route["nexthop"]))}
    except ValueError as wrong:
        raise errors.InvalidRoutes(routes=[dict(route)], reason=str(wrong)) from None


# Where it runs.


def place(w: Write, router: Row[Any]) -> str:
    """The host that carries the router, chosen now if none does; "" while there is none."""
    held: str = w.session.scalar(select(ROUTERS.c.host).where(ROUTERS.c.id == router.id)) or ""
    if held:
        return held
    able = [a.host for a in agents.ready(w.session, w.neutron, agents.L3)]
    if not able:
        return ""
    busy: dict[str, int] = dict(w.session.execute(
        select(ROUTERS.c.host, func.count()).group_by(ROUTERS.c.host)).all())
    random.shuffle(able)
    host = min(able, key=lambda h: busy.get(h, 0))
    # Compare-and-set: two requests for one router agree on the host.
    w.session.execute(
        update(ROUTERS).where(ROUTERS.c.id == router.id, ROUTERS.c.host == "").values(host=host)
    )
    return w.session.scalar(select(ROUTERS.c.host).where(ROUTERS.c.id == router.id)) or ""


def move(w: Write, router: Row[Any], host: str) -> None:
    """The router and its ports to another host, or ("") to none. Its floating IPs are DOWN until
    that host says otherwise."""
    w.session.execute(update(ROUTERS).where(ROUTERS.c.id == router.id).values(host=host))
    for floating in w.session.execute(select(FLOATING).where(
        FLOATING.c.router_id == router.id, FLOATING.c.status != "DOWN").with_for_update()
    ).all():
        w.session.execute(
            update(FLOATING).where(FLOATING.c.id == floating.id).values(status="DOWN"))
        w.record("floatingip", "update", floating, status="DOWN")
    w.hosts.update({router.host, host})
    for port in w.session.execute(select(PORTS).where(
        PORTS.c.device_id == router.id, PORTS.c.device_owner.in_([INTERFACE, GATEWAY])
    )).all():
        network = w.session.execute(
            select(NETWORKS).where(NETWORKS.c.id == port.network_id)).one()
        ports.rebind(w, port, network, host)


def catch_up(w: Write) -> None:
    """Routers in use that no host carried yet."""
    used = select(PORTS.c.device_id).where(
        PORTS.c.device_id == ROUTERS.c.id, PORTS.c.device_owner.in_([INTERFACE, GATEWAY])).exists()
    for router in w.session.execute(select(ROUTERS).where(ROUTERS.c.host == "", used)).all():
        host = place(w, router)
        if host:
            move(w, router, host)


# As clients ask.


def list_gateway_ips(session: Session, routers: Sequence[Any]) -> list[list[dict[str, str]]]:
    """The addresses that each router has outside."""
    ids = [router.gateway_port_id for router in routers if router.gateway_port_id]
    fixed: dict[str, list[dict[str, str]]] = {}
    if ids:
        fixed = dict(session.execute(
            select(PORTS.c.id, PORTS.c.fixed_ips).where(PORTS.c.id.in_(ids))).all())
    return [fixed.get(router.gateway_port_id, []) for router in routers]


def _make(w: Write, request: Request) -> Row[Any]:
    check_create(w, ROUTER, request)
    return made(w, ROUTER, create(w, request))


RESOURCE = Resource(ROUTER, _make, change, delete, relate=list_gateway_ips)


def plug(
    neutron: Neutron, ctx: Context, id: str, request: Mapping[str, Any], revision: int | None
) -> dict[str, Any]:
    """Add an interface; its description. Raises what `add_interface` does, Forbidden, NotFound."""
    return _act(neutron, ctx, id, "add_router_interface", revision,
                lambda w, router: add_interface(w, router, request))


def unplug(
    neutron: Neutron, ctx: Context, id: str, request: Mapping[str, Any], revision: int | None
) -> dict[str, Any]:
    """Remove an interface; its description. Raises what `remove_interface` does, Forbidden,
    NotFound."""
    return _act(neutron, ctx, id, "remove_router_interface", revision,
                lambda w, router: remove_interface(w, router, request))


def change_routes(
    neutron: Neutron, ctx: Context, id: str, rule: str, routes: Sequence[Mapping[str, str]],
    revision: int | None,
) -> Item:
    """Add routes, or take some away, as `rule` says. Raises InvalidRoutes, RoutesExhausted,
    Forbidden, NotFound."""
    alter = add_routes if rule == "add_extraroutes" else remove_routes

    def act(w: Write, router: Row[Any]) -> Item:
        alter(w, router, routes)
        return items_of(neutron, ctx, RESOURCE, w.session, [_row(w, id)])[0]

    return _act(neutron, ctx, id, rule, revision, act)


def _act(
    neutron: Neutron, ctx: Context, id: str, rule: str, revision: int | None,
    act: Callable[[Write, Row[Any]], T],
) -> T:
    """`act` on the router, which the transaction holds, if `rule` lets the caller."""

    def work(w: Write) -> T:
        router = claim(w.session, ctx, ROUTER, id)
        neutron.policy.enforce(ctx, rule, target(router))
        check_revision(router, revision)
        return act(w, router)

    return write(neutron, ctx, work)
