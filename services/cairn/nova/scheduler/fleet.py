"""All hosts, as they are now. What they report of themselves is large and changes seldom: it is
kept between two looks; whether they work, and what is on them, is looked at each time."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from cairn.common.db import Database, utcnow
from cairn.nova.core import hosts, scheduling
from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters.hints import listed
from cairn.nova.scheduler.host_state import HostState, Surroundings
from cairn.nova.scheduler.weighers import WEIGHERS
from cairn.nova.settings import SchedulerSettings, ServiceSettings

# Who asks for counts that take a query of their own.
_COUNTS_INSTANCES = {"NumInstancesFilter", "AggregateNumInstancesFilter", "JsonFilter",
                     "NumInstancesWeigher"}
_COUNTS_IO_OPS = {"IoOpsFilter", "AggregateIoOpsFilter", "JsonFilter", "IoOpsWeigher"}
_COUNTS_IMAGES = {"ImagePropertiesWeigher"}
_SHARED = 1000  # Kinds of processors that are kept once for all hosts.


class Fleet:
    """Safe from any thread."""

    def __init__(
        self, db: Database, settings: SchedulerSettings, service: ServiceSettings, zone: str
    ) -> None:
        """`zone` is that of hosts whose aggregates make none."""
        self.db, self.settings, self.service, self.zone = db, settings, service, zone
        self._reports: dict[str, tuple[dt.datetime | None, dict[str, Any]]] = {}
        self._shared: dict[bytes, Any] = {}

    def look(
        self, request: HostRequest, summaries: Mapping[str, Any], everybody: bool = False
    ) -> tuple[list[HostState], Surroundings]:
        """The hosts of these providers, of which placement says so (`everybody`: also of all
        others), and what else there is to look at."""
        mentioned = [*listed(request, "same_host"), *listed(request, "different_host")]
        with self.db.reading() as session:
            rows = scheduling.hypervisors(session, None if everybody else summaries.keys())
            reports = self._read(session, rows)
            aggregates = scheduling.aggregates(session)
            members = scheduling.memberships(
                session, [row.host for row in rows]) if aggregates else {}
            metas = [row.meta for row in aggregates.values()]
            instances = scheduling.instances(session) if self._counts(
                _COUNTS_INSTANCES, metas) else {}
            io_ops = scheduling.io_ops(session) if self._counts(_COUNTS_IO_OPS, metas) else {}
            images = scheduling.image_properties(session) if self._counts(
                _COUNTS_IMAGES, metas) else {}
            servers = scheduling.hosts_of(session, mentioned) if mentioned else {}
        now, states = utcnow(), []
        # Hosts of the same aggregates share what these say.
        said: dict[tuple[int, ...], tuple[str, list[dict[str, Any]]]] = {}
        for row in rows:
            numbers = tuple(members.get(row.host, ()))
            if numbers not in said:
                mine = [aggregates[number] for number in numbers if number in aggregates]
                zone = next((each.zone for each in mine if each.zone), self.zone)
                said[numbers] = zone, [each.meta for each in mine]
            zone, metas_here = said[numbers]
            report, summary = reports[row.id], summaries.get(row.id, {})
            resources = summary.get("resources", {})
            states.append(HostState(
                host=row.host, node=row.node, provider=row.id,
                zone=zone,
                up=hosts.up(row, self.service, now), disabled=bool(row.disabled),
                disabled_reason=row.disabled_reason, report=report, aggregates=metas_here,
                capacity={name: stock["capacity"] for name, stock in resources.items()},
                used={name: stock["used"] for name, stock in resources.items()},
                traits=summary.get("traits") or report.get("traits") or (),
                instances=instances.get(row.host, 0), io_ops=io_ops.get(row.host, 0),
                failed_builds=row.failed_builds, image_properties=images.get(row.host, {}),
            ))
        return states, Surroundings(self.settings, servers, metas)

    def count(self) -> int:
        """How many hosts there are."""
        with self.db.reading() as session:
            return scheduling.count(session)

    def pinned(self, request: HostRequest) -> str | None:
        """The provider of the host that is asked for, if one is and it is there."""
        if request["host"] is None and request["node"] is None:
            return None
        with self.db.reading() as session:
            return scheduling.pinned(session, request["host"], request["node"])

    def _counts(self, asking: set[str], metas: Iterable[dict[str, Any]]) -> bool:
        """Whether an enabled filter, or a weigher with a multiplier, is one of these."""
        if not asking.isdisjoint(self.settings.filters.split()):
            return True
        multipliers = [WEIGHERS[name].multiplier for name in self.settings.weighers.split()
                       if name in asking]
        return any(getattr(self.settings, name) or any(name in meta for meta in metas)
                   for name in multipliers)

    def _read(self, session: Session, rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
        """The reports of these hypervisors: those are read that are new."""
        stale = {row.id: row.updated_at for row in rows
                 if self._reports.get(row.id, (self,))[0] != row.updated_at}
        if stale:
            read = scheduling.reports(session, stale.keys())
            for id_, report in read.items():
                self._reports[id_] = stale[id_], self._slim(report)
        return {row.id: self._reports.get(row.id, (None, {}))[1] for row in rows}

    def _slim(self, report: dict[str, Any]) -> dict[str, Any]:
        """Most hosts have one of a few processors: it is kept once."""
        if len(self._shared) > _SHARED:
            self._shared.clear()
        for name in ("cpu_info", "traits", "supported_instances"):
            if name in report:
                key = orjson.dumps(report[name])
                report[name] = self._shared.setdefault(key, report[name])
        return report
