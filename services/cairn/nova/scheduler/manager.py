"""nova-scheduler: a host for a server, claimed."""

import logging
from dataclasses import dataclass
from typing import Any

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.nova.core import scheduling
from cairn.nova.core.host_request import HostRequest
from cairn.nova.errors import NoValidHost
from cairn.nova.neighbours.placement import Placement
from cairn.nova.scheduler import prefilters, report
from cairn.nova.scheduler.filters import FILTERS, Filter
from cairn.nova.scheduler.fleet import Fleet
from cairn.nova.scheduler.host_state import HostState, pairs
from cairn.nova.scheduler.obstacles import Course
from cairn.nova.scheduler.weighers import WEIGHERS, order
from cairn.nova.settings import ApiSettings, SchedulerSettings, ServiceSettings

log = logging.getLogger(__name__)

TRIES = 3  # Hosts that may be lost to others between looking and claiming, times a fresh look.


@dataclass
class Manager:
    """Serves rpc.Scheduler. Raises ValueError for settings that name what there is not."""

    db: Database
    placement: Placement
    settings: SchedulerSettings
    service: ServiceSettings
    api: ApiSettings

    def __post_init__(self) -> None:
        for option, there in (("filters", FILTERS), ("weighers", WEIGHERS)):
            names = getattr(self.settings, option).split()
            if unknown := [name for name in names if name not in there]:
                raise ValueError(f"[scheduler] {option}: there is no {', '.join(unknown)}; "
                                 f"there are: {', '.join(there)}")
        for option in ("image_props_weight_setting", "metrics_weight_setting"):
            try:
                pairs(getattr(self.settings, option))
            except ValueError as error:
                raise ValueError(f"[scheduler] {option}: {error}") from error
        self.filters: dict[str, Filter] = prefilters.prefilters(self.settings) | {
            name: FILTERS[name] for name in self.settings.filters.split()}
        self.fleet = Fleet(self.db, self.settings, self.service, self.api.default_zone)

    def select_host(
        self, ctx: Context, server_id: str, wanted: HostRequest, excluded: list[str]
    ) -> dict[str, Any]:
        """Raises NoValidHost, with what each host lacks."""
        request = prefilters.extended(wanted, self.settings)
        for _ in range(TRIES):
            states, course = self._offered(ctx, request, excluded)
            fitting = [state for state in states if course.first(state, request) is None]
            if not fitting:
                # The first that have room do not pass, or there are none: all are looked at.
                states, course = self._all(ctx, request, excluded)
                refused = [(state, course.obstacles(state, request)) for state in states]
                fitting = [state for state, obstacles in refused if not obstacles]
                if not fitting:
                    break
            for state in order(fitting, request, self.settings):
                claimed = self._claim(ctx, server_id, request, state, excluded)
                if claimed is not None:
                    return claimed | {"candidates": len(states), "fitting": len(fitting)}
        else:
            refused = [(state, course.obstacles(state, request)) for state in states]
        raise NoValidHost(reason=report.explain(course, refused, request))

    # --- Who could have it ---

    def _offered(
        self, ctx: Context, request: HostRequest, excluded: list[str]
    ) -> tuple[list[HostState], Course]:
        """Those that placement offers: the one that is asked for, or any that have room."""
        summaries = self.placement.list_candidates(
            ctx, request["resources"], required=request["required"],
            forbidden=request["forbidden"], limit=self.settings.max_candidates,
            provider=self.fleet.pinned(request))
        states, around = self.fleet.look(request, summaries)
        return states, Course(self.filters, around, excluded)

    def _all(
        self, ctx: Context, request: HostRequest, excluded: list[str]
    ) -> tuple[list[HostState], Course]:
        """All there are, with what they have left."""
        summaries: dict[str, Any] = {}
        for name in request["resources"]:
            # Whoever has any of it, with all that it has. Whom nobody tells of has nothing left.
            summaries |= self.placement.list_candidates(ctx, {name: 1}, required=[], forbidden=[])
            if len(summaries) >= self.fleet.count():
                break
        states, around = self.fleet.look(request, summaries, everybody=True)
        return states, Course(self.filters, around, excluded)

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
        if not claimed:
            return None
        with self.db.reading() as session:
            for row in scheduling.hypervisors(session, claimed):
                if row.host not in excluded:
                    return {"host": row.host, "node": row.node, "provider": row.id}
        return None
