"""nova-scheduler: a host for a server, claimed."""

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.nova.core import hosts
from cairn.nova.core.host_request import HostRequest
from cairn.nova.db.models import Server
from cairn.nova.errors import NoValidHost
from cairn.nova.neighbours.placement import Placement
from cairn.nova.scheduler import report
from cairn.nova.scheduler.filters import FILTERS, Filter, HostState
from cairn.nova.scheduler.weighers import order
from cairn.nova.settings import ApiSettings, SchedulerSettings, ServiceSettings

log = logging.getLogger(__name__)

TRIES = 3  # Hosts that may be lost to others between looking and claiming, times a fresh look.


@dataclass
class Manager:
    """Serves rpc.Scheduler."""

    db: Database
    placement: Placement
    settings: SchedulerSettings
    service: ServiceSettings
    api: ApiSettings

    def __post_init__(self) -> None:
        names = self.settings.filters.split()
        unknown = [name for name in names if name not in FILTERS]
        if unknown:
            raise ValueError(f"[scheduler] filters: there is no {', '.join(unknown)}; "
                             f"there are: {', '.join(FILTERS)}")
        self.filters: dict[str, Filter] = {name: FILTERS[name] for name in names}

    def select_host(
        self, ctx: Context, server_id: str, wanted: HostRequest, excluded: list[str]
    ) -> dict[str, Any]:
        """Raises NoValidHost, with what each host lacks."""
        request = wanted
        refusals: report.Refusals = {}
        for _ in range(TRIES):
            candidates = self._candidates(ctx, request)
            states = self._states(request, candidates)
            fitting, refusals = self._fitting(states, request, excluded)
            for state in order(fitting, request, self.settings):
                claimed = self._claim(ctx, server_id, request, state, excluded)
                if claimed is not None:
                    return claimed | {"candidates": len(states)}
            if not fitting:
                break
        raise NoValidHost(reason=report.explain(
            self.db, self.placement, ctx, request, refusals, excluded))

    # --- Who could have it ---

    def _candidates(self, ctx: Context, request: HostRequest) -> dict[str, Any]:
        """Placement's summaries by provider, of those with room."""
        return self.placement.list_candidates(
            ctx, request["resources"], required=request["required"],
            forbidden=request["forbidden"], limit=self.settings.max_candidates,
        )

    def _states(self, request: HostRequest, candidates: dict[str, Any]) -> list[HostState]:
        with self.db.reading() as session:
            hypervisors = {h.id: h for h in hosts.hypervisors(session)}
            services = hosts.computes(session)
            zones = hosts.zones(session)
            aggregates: dict[str, list[dict[str, Any]]] = {}
            if request["capabilities"] or request.get("aggregate_specs"):
                aggregates = hosts.aggregate_traits(session, services)
        states = []
        for provider, summary in candidates.items():
            hypervisor = hypervisors.get(provider)
            if hypervisor is None:
                continue
            service = services.get(hypervisor.host)
            states.append(HostState(
                host=hypervisor.host, node=hypervisor.node, provider=provider,
                zone=zones.get(hypervisor.host, self.api.default_zone),
                up=service is not None and hosts.up(service, self.service),
                disabled=service is not None and service.disabled,
                disabled_reason=service.disabled_reason if service else None,
                report=hypervisor.report, aggregates=aggregates.get(hypervisor.host, []),
                capacity={k: v["capacity"] for k, v in summary["resources"].items()},
                used={k: v["used"] for k, v in summary["resources"].items()},
            ))
        return states

    def _fitting(
        self, states: list[HostState], request: HostRequest, excluded: list[str]
    ) -> tuple[list[HostState], report.Refusals]:
        servers = self._mentioned(request)
        fitting, refusals = [], {}
        for state in states:
            refusal = self._refusal(state, request, excluded, servers)
            if refusal is None:
                fitting.append(state)
            else:
                refusals[state.host] = refusal
        return fitting, refusals

    def _refusal(
        self, state: HostState, request: HostRequest, excluded: list[str], servers: dict[str, str]
    ) -> tuple[str, str] | None:
        if state.host in excluded:
            return "RetryFilter", "failed to build this server"
        if request["host"] not in (None, state.host):
            return "RequestedHost", f"asked for {request['host']}"
        if request["node"] not in (None, state.node):
            return "RequestedHost", f"asked for {request['node']}"
        for name, filter_ in self.filters.items():
            reason = filter_(state, request, servers)
            if reason is not None:
                return name, reason
        return None

    def _mentioned(self, request: HostRequest) -> dict[str, str]:
        """Hosts of the servers that hints name."""
        ids: list[str] = []
        for name in ("same_host", "different_host"):
            hint = request["hints"].get(name) or []
            ids += hint if isinstance(hint, list) else [hint]
        if not ids:
            return {}
        with self.db.reading() as session:
            return {row.id: row.host for row in session.execute(
                select(Server.id, Server.host).where(Server.id.in_(ids), Server.host.is_not(None),
                                                     Server.deleted.is_(False)))}

    # --- Claiming ---

    def _claim(
        self, ctx: Context, server_id: str, request: HostRequest, state: HostState,
        excluded: list[str],
    ) -> dict[str, Any] | None:
        """The claim; None when others were quicker and the host is full."""
        try:
            self.placement.claim(
                ctx, server_id, state.provider, request["resources"],
                project_id=request["project_id"], user_id=request["user_id"],
            )
        except Problem as problem:
            if problem.code != 409:
                raise
            # Full, or a claim of an earlier try of this very step.
            return self._claimed(ctx, server_id, excluded)
        return {"host": state.host, "node": state.node, "provider": state.provider}

    def _claimed(
        self, ctx: Context, server_id: str, excluded: list[str]
    ) -> dict[str, Any] | None:
        claimed = self.placement.list_claimed(ctx, server_id)
        with self.db.reading() as session:
            for hypervisor in hosts.hypervisors(session):
                if hypervisor.id in claimed and hypervisor.host not in excluded:
                    return {"host": hypervisor.host, "node": hypervisor.node,
                            "provider": hypervisor.id}
        return None
