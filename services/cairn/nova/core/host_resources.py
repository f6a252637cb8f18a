"""What a compute host has, and what its servers take of it, by project."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.errors import NotFound
from cairn.nova.component import Nova
from cairn.nova.db.models import Hypervisor, Server


@dataclass(frozen=True)
class Resources:
    """CPUs, MiB of memory, GiB of disk."""

    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.vcpus + other.vcpus, self.memory_mb + other.memory_mb,
                         self.disk_gb + other.disk_gb)


@dataclass(frozen=True)
class HostResources:
    """`used` as the host last said; `promised` to all of its servers, and to each project's."""

    total: Resources
    used: Resources
    promised: Resources
    by_project: dict[str, Resources]


def check_host(nova: Nova, host: str) -> None:
    """Raises NotFound where no compute host of that name was ever heard of."""
    with nova.db.reading() as session:
        _find(session, host)


def sum_up(nova: Nova, host: str) -> HostResources:
    """Raises NotFound."""
    by_project: dict[str, Resources] = {}
    with nova.db.reading() as session:
        report = _find(session, host).report
        for server in session.execute(
            select(Server.project_id, Server.flavor)
            .where(Server.host == host, Server.deleted.is_(False)).order_by(Server.number)
        ):
            flavor = server.flavor
            taken = Resources(flavor["vcpus"], flavor["ram"], flavor["disk"] + flavor["ephemeral"])
            by_project[server.project_id] = by_project.get(
                server.project_id, Resources()) + taken
    return HostResources(
        Resources(report["vcpus"], report["memory_mb"], report["disk_gb"]),
        Resources(report["vcpus_used"], report["memory_mb_used"], report["disk_gb_used"]),
        sum(by_project.values(), Resources()), by_project)


def _find(session: Session, host: str) -> Hypervisor:
    row = session.scalar(select(Hypervisor).where(Hypervisor.host == host))
    if row is None:
        raise NotFound("Compute host", host)
    return row
