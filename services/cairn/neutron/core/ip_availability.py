"""How many addresses networks have, and how many of them are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.neutron.component import Neutron
from cairn.neutron.core.addresses import pools
from cairn.neutron.core.kinds import ALLOCATIONS, NETWORK, NETWORKS, SUBNETS, find


@dataclass(frozen=True)
class Availability:
    """A network and its subnets: (row, addresses in all, addresses taken)."""

    network: Any
    subnets: Sequence[tuple[Any, int, int]]


def list_availabilities(
    neutron: Neutron, ids: Sequence[str], names: Sequence[str], projects: Sequence[str]
) -> list[Availability]:
    """Of the networks that meet each condition that is not empty."""
    query = select(NETWORKS).order_by(NETWORKS.c.id)
    for column, values in (
        (NETWORKS.c.id, ids), (NETWORKS.c.name, names), (NETWORKS.c.project_id, projects),
    ):
        if values:
            query = query.where(column.in_(values))
    with neutron.db.reading() as session:
        return _measure(session, session.execute(query).all())


def find_availability(neutron: Neutron, ctx: Context, network_id: str) -> Availability:
    """Raises NetworkNotFound."""
    with neutron.db.reading() as session:
        return _measure(session, [find(session, ctx, NETWORK, network_id)])[0]


def _measure(session: Session, networks: Sequence[Row[Any]]) -> list[Availability]:
    ids = [network.id for network in networks]
    used: dict[str, int] = dict(session.execute(
        select(ALLOCATIONS.c.subnet_id, func.count())
        .join(SUBNETS, SUBNETS.c.id == ALLOCATIONS.c.subnet_id)
        .where(SUBNETS.c.network_id.in_(ids)).group_by(ALLOCATIONS.c.subnet_id)
    ).all())
    subnets: dict[str, list[tuple[Any, int, int]]] = {id: [] for id in ids}
    for subnet in session.execute(select(SUBNETS).where(SUBNETS.c.network_id.in_(ids))):
        total = sum(end - start + 1 for start, end in pools(subnet))
        subnets[subnet.network_id].append((subnet, total, used.get(subnet.id, 0)))
    return [Availability(network, subnets[network.id]) for network in networks]
