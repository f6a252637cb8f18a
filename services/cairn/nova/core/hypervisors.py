"""Hypervisors: what each compute host last said it is, with its service and its servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.core.values import by_uuid, check_uuid
from cairn.nova.db.models import Hypervisor, Server

_NUMBERS = ("vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "running_vms", "disk_gb",
            "disk_gb_used", "disk_available_least")


@dataclass(frozen=True)
class HypervisorState:
    """One hypervisor with its nova-compute (None: never heard of) and rows of its servers."""

    hypervisor: Hypervisor
    service: Any
    # Each with id and name.
    servers: Sequence[Row[Any]]


def list_hypervisors(nova: Nova, pattern: str | None = None) -> list[HypervisorState]:
    """All of them, or those with `pattern` in their names."""
    with nova.db.reading() as session:
        rows = hosts.hypervisors(session)
        if pattern:
            rows = [row for row in rows if pattern in row.node]
        return _with_servers(session, rows)


def get(nova: Nova, ctx: Context, hypervisor_id: str) -> HypervisorState:
    """Raises NotFound, and Invalid for what is no uuid in versions that have them."""
    if by_uuid(ctx.version):
        where = Hypervisor.id == check_uuid(hypervisor_id)
    else:
        where = Hypervisor.number == (parse_whole(hypervisor_id) or 0)
    with nova.db.reading() as session:
        row = session.scalar(select(Hypervisor).where(where))
        if row is None:
            raise NotFound("Compute host", hypervisor_id)
        return _with_servers(session, [row])[0]


def _with_servers(session: Session, rows: Sequence[Hypervisor]) -> list[HypervisorState]:
    services = hosts.computes(session)
    servers: dict[str, list[Any]] = {}
    for server in session.execute(
        select(Server.host, Server.id, Server.name)
        .where(Server.host.in_([row.host for row in rows]), Server.deleted.is_(False))
        .order_by(Server.number)
    ):
        servers.setdefault(server.host or "", []).append(server)
    return [HypervisorState(row, services.get(row.host), servers.get(row.host, ()))
            for row in rows]


def sums(nova: Nova) -> dict[str, int]:
    """What the hypervisors that are not disabled have together: `count`, and MiB, GiB and CPUs by
    the names of rpc.HostReport."""
    reports = [state.hypervisor.report for state in list_hypervisors(nova)
               if state.service is not None and not state.service.disabled]
    return {"count": len(reports)} | {
        name: sum(report[name] or 0 for report in reports) for name in _NUMBERS}
