"""Whose question for metadata it is: by which host it came, and from which address."""

from ipaddress import ip_address, ip_network

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.neutron.core.kinds import ALLOCATIONS, DHCP, INTERFACES, PORTS, ROUTERS, SUBNETS


def serves(
    session: Session, host: str | None, router_id: str | None, network_id: str | None
) -> bool:
    """Whether guests' questions come by that host: through a router of its, or its DHCP port."""
    if host is None:
        return True
    if router_id is not None:
        query = select(ROUTERS.c.id).where(ROUTERS.c.id == router_id, ROUTERS.c.host == host)
    else:
        query = select(DHCP.c.network_id).where(
            DHCP.c.network_id == network_id, DHCP.c.host == host)
    return session.execute(query.limit(1)).first() is not None


def instance_at(
    session: Session, address: str, router_id: str | None, network_id: str | None
) -> dict[str, str] | None:
    """Whose fixed IP that is: on the network, or on one of the router's subnets."""
    networks = [network_id]
    if router_id is not None:
        ip = ip_address(address)
        networks = [
            row.network_id for row in session.execute(
                select(SUBNETS.c.network_id, SUBNETS.c.cidr)
                .join(INTERFACES, INTERFACES.c.subnet_id == SUBNETS.c.id)
                .where(INTERFACES.c.router_id == router_id))
            if ip in ip_network(row.cidr)
        ]
    port = session.execute(
        select(PORTS.c.id, PORTS.c.device_id, PORTS.c.project_id)
        .join(ALLOCATIONS, ALLOCATIONS.c.port_id == PORTS.c.id)
        .where(ALLOCATIONS.c.ip_address == address, PORTS.c.network_id.in_(networks))
    ).first()
    if port is None:
        return None
    return {"port_id": port.id, "device_id": port.device_id, "project_id": port.project_id}
