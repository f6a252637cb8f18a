"""Why no host would do: each host with its numbers for admins; for everybody a sentence that names
no host, with the smallest change of the request that would fit."""

from collections import Counter
from collections.abc import Iterable, Sequence

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.changes import Change, changed
from cairn.nova.scheduler.host_state import HostState
from cairn.nova.scheduler.obstacles import Course, Obstacle, room

LISTED = 1000  # Hosts with a line of their own.
OFFERED = 3  # Changes that are told, each of which would do.
# Of a fault's message, which is cut at 255 characters, "No valid host was found. " is taken.
LONGEST = 230

Plan = tuple[Change, ...]
# Hosts, and what is in the way to each.
Refused = Sequence[tuple[HostState, list[Obstacle]]]


def explain(course: Course, refused: Refused, request: HostRequest) -> str:
    """The first line is for everybody; the others name hosts and numbers. `refused` are all hosts,
    with what placement has of each, and what is in the way."""
    if not refused:
        return "There are no compute hosts."
    lines = [f"{state.host}: " + (_line(obstacles) or "fits, but others were quicker")
             for state, obstacles in refused[:LISTED]]
    if len(refused) > LISTED:
        rest = _counts(refused[LISTED:])
        lines.append(f"{len(refused) - LISTED} more: " + ", ".join(
            f"{number} by {what}" for what, number in rest.most_common()))
    return "\n".join([_sentence(course, refused, request), *lines])


def smallest(course: Course, refused: Refused, request: HostRequest) -> list[Plan]:
    """Sets of changes with which some host would fit now, the smallest first: as few changes as do,
    of each such set of kinds the smallest."""
    # By kinds and words: the same for all hosts that one change would do for.
    plans: dict[tuple[tuple[str, str], ...], tuple[Plan, HostState]] = {}
    fewest: int | None = None
    for state, obstacles in refused:
        if not obstacles or any(obstacle.changes is None for obstacle in obstacles):
            continue
        unique = {change.key: change for obstacle in obstacles
                  for change in obstacle.changes or ()}
        if fewest is not None and len(unique) > fewest:
            continue
        fewest = len(unique)
        plans.setdefault(tuple(sorted(unique)), (tuple(unique.values()), state))
    few = [(plan, state) for plan, state in plans.values() if len(plan) == fewest]
    few.sort(key=lambda each: (_cost(each[0]), _words(each[0])))
    best: dict[tuple[str, ...], Plan] = {}
    for plan, state in few:
        # A zone is another zone's equal, of anything else the smallest is told.
        kinds = tuple(sorted(change.words if change.kind == "zone" else change.kind
                             for change in plan))
        if kinds not in best and not course.obstacles(state, changed(request, plan)):
            best[kinds] = plan
    return list(best.values())


def _cost(plan: Plan) -> float:
    return sum(change.cost for change in plan)


def _words(plan: Plan) -> str:
    return " and ".join(change.words for change in plan).replace(" and with at most",
                                                                 " and at most")


def _line(obstacles: Iterable[Obstacle]) -> str:
    by_filter: dict[str, list[str]] = {}
    for obstacle in obstacles:
        by_filter.setdefault(obstacle.filter, []).append(obstacle.reason)
    return "; ".join(f"{name}: {', '.join(reasons)}" for name, reasons in by_filter.items())


def _counts(refused: Refused) -> Counter[str]:
    return Counter(what for _, obstacles in refused
                   for what in {obstacle.what for obstacle in obstacles} or {"claim"})


def _sentence(course: Course, refused: Refused, request: HostRequest) -> str:
    hosts = f"{len(refused)} host{'s' if len(refused) > 1 else ''} refused: "
    reasons = [f"{number} by {what}{_numbers(what, refused, request)}"
               for what, number in sorted(_counts(refused).items(), key=lambda c: (-c[1], c[0]))]
    offers = [_words(plan) for plan in smallest(course, refused, request)[:OFFERED]]
    while True:
        advice = f" It would fit now {', or '.join(offers)}." if offers else ""
        sentence = f"{hosts}{', '.join(reasons)}.{advice}"
        if len(sentence) <= LONGEST or (len(reasons) < 3 and len(offers) < 2):
            return sentence
        if len(offers) > 1:
            offers.pop()
        else:
            reasons[-2:] = ["others by other filters"]


def _numbers(what: str, refused: Refused, request: HostRequest) -> str:
    """What was asked for of a resource class, and the most that any host has."""
    asked = request["resources"].get(what)
    if asked is None:
        return ""
    return f" ({asked} asked, at most {max(room(state, what) for state, _ in refused)} free)"
