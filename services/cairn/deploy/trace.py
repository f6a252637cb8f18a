"""What was done to a server, step by step, as the public API tells it to whoever asks."""

import datetime as dt
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from openstack.exceptions import ForbiddenException, NotFoundException

from cairn.deploy import credentials, sdk
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed

# Seconds the API may think about a question, and between two looks.
PATIENCE = 15.0
INTERVAL = 0.5
# Says when its caller logged in, which may be hours before.
LOGIN = "token_issued"


@dataclass(frozen=True)
class Step:
    """One of an action: when it began and ended (None: it runs), in seconds since the action began,
    how long it had waited before, and who did it."""

    name: str
    begun: float
    ended: float | None
    waited: float
    # Whether another one did the step before: it waited for this one.
    handed: bool
    where: str
    result: str | None
    details: str

    def lasted(self, now: float) -> float:
        return max(0.0, (now if self.ended is None else self.ended) - self.begun)


@dataclass(frozen=True)
class Trace:
    """An action on a server. `over` is when all of it is done, `failed` whether that failed."""

    server: str
    action: str
    request_id: str
    begun: dt.datetime
    steps: list[Step]
    over: bool
    failed: bool

    def now(self) -> float:
        """Seconds since it began, by this machine's clock."""
        return max(0.0, (dt.datetime.now(dt.UTC) - self.begun).total_seconds())

    @property
    def length(self) -> float:
        """Until its last step ended, or until now."""
        ends = [self.now() if step.ended is None else step.ended for step in self.steps]
        return max(ends, default=0.0)


@dataclass(frozen=True)
class Target:
    """Which action is meant: of a server, by a request's id."""

    server_id: str
    server: str
    request_id: str


def connect(cloud: Cloud) -> Any:
    """As whom the OS_ variables name: in full, or by OS_CLOUD an entry of the cloud's. Else as its
    admin. Raises Failed."""
    asked = os.environ.get("OS_CLOUD", "")
    try:
        if os.environ.get("OS_AUTH_URL") and not asked:
            return sdk.connect_by_environment(PATIENCE)
        names = credentials.entries(cloud)
        return sdk.connect(cloud, asked if asked in names else cloud.admin, PATIENCE)
    except sdk.ERRORS as wrong:
        raise Failed(f"the cloud cannot be asked: {wrong}") from wrong


def choose(compute: Any, server: str, action: str | None) -> Target:
    """The action of the server (a name or an id) that has this request id, or the last one of that
    kind, or the last one of all. Raises Failed."""
    try:
        server_id, name = _find_server(compute, server)
        actions = list(compute.server_actions(server_id))
    except sdk.ERRORS as wrong:
        raise Failed(f"server {server}: {wrong}") from wrong
    chosen = [each for each in actions if action in (None, each.request_id, each.action)]
    if not chosen:
        kinds = ", ".join(dict.fromkeys(each.action for each in actions)) or "nothing"
        raise Failed(f"server {name} has no action '{action}' (what was done to it: {kinds})",
                     "An action is named by its kind or by the id of its request.")
    return Target(server_id, name, chosen[0].request_id)


def _find_server(compute: Any, server: str) -> tuple[str, str]:
    """Its id and name. One that is gone is known by its id alone. Raises Failed."""
    try:
        row = compute.find_server(server, all_projects=True)
    except ForbiddenException:  # Its owner sees the own project's.
        row = compute.find_server(server)
    if row is not None:
        return row.id, row.name
    try:
        return str(uuid.UUID(server)), server
    except ValueError:
        raise Failed(f"there is no server '{server}'",
                     "One that is gone is known by its id alone.") from None


def look(compute: Any, target: Target) -> Trace:
    """How the action is now. Raises Failed."""
    try:
        # In this order: what was over before its steps were read, those show whole.
        busy = _is_busy(compute, target)
        action = compute.get_server_action(target.request_id, target.server_id)
    except sdk.ERRORS as wrong:
        raise Failed(f"server {target.server}: {wrong}") from wrong
    return read(target, action, busy)


def _is_busy(compute: Any, target: Target) -> bool:
    """Whether something is being done to the server, and nothing that was asked for later: one
    action has to end before the next one begins."""
    last = next(iter(compute.server_actions(target.server_id, limit=1)), None)
    if last is not None and last.request_id != target.request_id:
        return False
    try:
        return compute.get_server(target.server_id).task_state is not None
    except NotFoundException:
        return False


def read(target: Target, action: Any, busy: bool) -> Trace:
    """A trace of the API's documents."""
    events = list(action.events or [])
    begun = min((_moment(event.start_time) for event in events if event.event != LOGIN),
                default=_moment(action.start_time))
    steps: list[Step] = []
    free = 0.0  # When the steps so far were done.
    for event in events:
        start = (_moment(event.start_time) - begun).total_seconds()
        end = event.finish_time and (_moment(event.finish_time) - begun).total_seconds()
        # Who is no admin is told of hosts apart, not of their names.
        where = event.host or (event.host_id or "")[:8]
        steps.append(Step(
            event.event, start, end, max(0.0, start - free),
            bool(steps) and steps[-1].where != where, where, event.result,
            (event.details or "").partition("\n")[0]))
        free = max(free, start if end is None else end)
    running = any(step.ended is None for step in steps)
    return Trace(target.server, action.action, target.request_id, begun, steps,
                 over=not running and not busy, failed=action.message is not None)


def follow(
    compute: Any, target: Target, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Trace]:
    """The action again and again until it is over: that twice in a row, for between two steps
    nothing may be seen of it."""
    quiet = 0
    while True:
        trace = look(compute, target)
        quiet = quiet + 1 if trace.over else 0
        yield trace
        if quiet == 2:
            return
        sleep(INTERVAL)


def _moment(text: str) -> dt.datetime:
    """A time of the API's, which is in UTC whether it says so or not."""
    moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
