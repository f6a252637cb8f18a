"""Actions: what is done to a resource in several steps, declared once and done by several rooms.

A component declares each in `core/flows/<action>.py`: the steps in the order they happen, each with
its room and whether it has an undo; from which states, through which task. A room that does steps
of it says how in `<room>/flows/<action>.py`, a module with a class `Steps` (a Doer). What a worker
runs is made of both (`make_flows`); the page of docs and the contract tests read the declarations.
"""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cairn.common.work import Flow, Job, Step


@dataclass(frozen=True)
class ActionStep:
    """A step as it is declared; its name is the event that the resource's owner sees."""

    room: str
    name: str
    does: str
    # What undoes it when a later one fails; empty where nothing has to be.
    undo: str = ""


@dataclass(frozen=True)
class Entry:
    """One way into an action: in which states it may begin, and the task it then is."""

    # None: in any.
    states: tuple[str, ...] | None
    # None: it claims nothing. Others may wait behind it, and each has its turn.
    task: str | None
    # Tasks that it may replace. None: any but its own.
    over: tuple[str, ...] | None = ()
    # What of the request makes it this one, for the docs.
    when: str = ""


@dataclass(frozen=True)
class Action:
    """What can be done to a resource late: from which states, in which steps, and what comes of it
    when that fails. Declared once; rooms register how its steps are done."""

    # As clients know it, and as works are filed.
    kind: str
    does: str
    # What is told of it (events.py), without .start, .end and .error.
    event: str
    entries: tuple[Entry, ...]
    steps: tuple[ActionStep, ...]
    # Whether a failure leaves the resource in error. Else it is as it was before.
    breaks: bool = False
    # What the owner reads when it fails, and where.
    fails: str = ""
    # Whether a deletion calls it off.
    cancellable: bool = True
    # Whether the resource comes to its host, or leaves it, while this lasts.
    moves: bool = False
    # Rooms that take no part in a work of these args.
    absent: Callable[[Mapping[str, Any]], Collection[str]] = lambda args: ()

    @property
    def entry(self) -> Entry:
        """The first way in; the only one of most."""
        return self.entries[0]

    def steps_of(self, room: str) -> list[ActionStep]:
        return [step for step in self.steps if step.room == room]

    def rooms(self, args: Mapping[str, Any]) -> list[str]:
        """Those that take part in a work of these args; the one that begins is the first."""
        absent = self.absent(args)
        rooms = dict.fromkeys(step.room for step in self.steps)
        return [room for room in rooms if room not in absent]


@dataclass(frozen=True)
class Do:
    """How a step is done, and undone: see work.Step."""

    do: Callable[[Job], dict[str, Any] | None]
    undo: Callable[[Job], None] | None = None


class Doer:
    """How a room does its steps of one action."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def steps(self) -> Mapping[str, Do]:
        """By name, all that the action declares for the room."""
        return {}

    def absent(self, room: str, job: Job) -> bool:
        """Whether that room takes no part in this work: its steps are left out. What only shows
        while it is done is a doer's to say."""
        return room in self.action.absent(job.args)

    def here(self, room: str, job: Job) -> bool:
        """Of a process that is several rooms (a host that a resource leaves, or comes to): whether
        it is that one in this work."""
        return True

    def runner(self, room: str, job: Job) -> str:
        """Who does that room's steps of this work."""
        raise NotImplementedError

    def failed(self, job: Job, error: str) -> str | None:
        """After this room's undoing: whom to hand the work back to, or None when it ends here and
        what the owner shall see was recorded."""
        raise NotImplementedError


def load(package: str, name: str) -> dict[str, Any]:
    """What each module of a package has by that name, by the modules' own names."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return {module.name: getattr(importlib.import_module(f"{package}.{module.name}"), name)
            for module in modules}


def make_flows(rooms: str | tuple[str, ...], doers: Iterable[Doer]) -> list[Flow]:
    """What the worker of a room runs, or of several that one process is. Raises ValueError for a
    step without a doer, and for a doer without a step."""
    return [_flow((rooms,) if isinstance(rooms, str) else rooms, doer) for doer in doers]


def _flow(rooms: Collection[str], doer: Doer) -> Flow:
    action, have = doer.action, doer.steps()
    declared = [step for step in action.steps if step.room in rooms]
    if problem := mismatch(declared, have):
        raise ValueError(f"{', '.join(rooms)}, {action.kind}: {problem}")
    mine = {step.name: Step(step.name, have[step.name].do, have[step.name].undo)
            for step in declared}

    def due(job: Job) -> Sequence[Step]:
        """The process's steps up to the first of another's that is still to come."""
        turn = []
        for step in action.steps:
            if step.room in rooms and doer.here(step.room, job):
                turn.append(mine[step.name])
            elif step.name not in job.results and not doer.absent(step.room, job):
                break
        return turn

    def then(job: Job) -> str | None:
        for step in action.steps:
            if step.name not in job.results and not doer.absent(step.room, job):
                return doer.runner(step.room, job)
        return None

    return Flow(action.kind, tuple(mine.values()), then=then, failed=doer.failed, due=due)


def mismatch(declared: Sequence[ActionStep], have: Mapping[str, Do]) -> str:
    """What is wrong with a room's steps of an action; empty when nothing is."""
    names = {step.name for step in declared}
    wrong = [f"nobody does {name}" for name in sorted(names - have.keys())]
    wrong += [f"{name} is not declared" for name in sorted(have.keys() - names)]
    for step in declared:
        if step.name in have and bool(step.undo) != (have[step.name].undo is not None):
            wrong.append(f"{step.name} {'has no' if step.undo else 'has an undeclared'} undo")
    return "; ".join(wrong)


def document(actions: Iterable[Action]) -> str:
    """The declarations as Markdown: a table of states, then each action's steps."""
    actions = list(actions)
    lines = ["| action | from | task | when it fails |", "|---|---|---|---|"]
    for action in actions:
        for entry in action.entries:
            name = f"`{action.kind}`" + (f" ({entry.when})" if entry.when else "")
            states = "any state" if entry.states is None else ", ".join(entry.states)
            task = f"`{entry.task}`" if entry.task else "none: it waits its turn"
            after = "in error" if action.breaks else "as it was"
            lines.append(f"| {name} | {states} | {task} | {after} |")
    for action in actions:
        told = f" Told as `{action.event}.start` and `.end` or `.error`."
        off = " A deletion calls it off." if action.cancellable else ""
        lines += ["", f"## {action.kind}", "", f"{action.does}{off}{told}", "",
                  "| step | who | what | undone by |", "|---|---|---|---|"]
        lines += [f"| `{step.name}` | {step.room} | {step.does} | {step.undo} |"
                  for step in action.steps]
        lines += ["", f"When it fails: {action.fails}"]
    return "\n".join(lines) + "\n"
