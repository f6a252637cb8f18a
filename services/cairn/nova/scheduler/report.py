"""Why no host would do: each host with its numbers for admins, a sentence for everybody, and the
smallest change that would fit."""

from collections import Counter

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.nova.core import hosts
from cairn.nova.core.host_request import HostRequest
from cairn.nova.neighbours.placement import Placement

# (filter, reason) by host.
Refusals = dict[str, tuple[str, str]]
MOST = 50  # Hosts that are asked about one by one.
UNITS = {"VCPU": "VCPUs", "MEMORY_MB": "MiB of memory", "DISK_GB": "GiB of disk"}


def explain(
    db: Database, placement: Placement, ctx: Context, request: HostRequest, refusals: Refusals,
    excluded: list[str],
) -> str:
    """The first line is for everybody; the others name hosts and numbers."""
    with db.reading() as session:
        hypervisors = hosts.hypervisors(session)
    if not hypervisors:
        return "There are no compute hosts."
    lines, counts = [], Counter[str]()
    nearest: tuple[float, dict[str, int]] | None = None
    for hypervisor in hypervisors[:MOST]:
        if hypervisor.host in refusals:
            name, reason = refusals[hypervisor.host]
            lines.append(f"{hypervisor.host}: {name}: {reason}")
            counts[name] += 1
            continue
        free = _free(placement, ctx, hypervisor.id)
        short = {name: amount - free.get(name, 0) for name, amount in request["resources"].items()
                 if amount > free.get(name, 0)}
        if not short:
            lines.append(f"{hypervisor.host}: placement: lacks a required trait, or was full a "
                         "moment ago")
            counts["placement"] += 1
            continue
        lines.append(f"{hypervisor.host}: placement: " + ", ".join(
            f"{name} wants {request['resources'][name]}, has {max(free.get(name, 0), 0)} free"
            for name in sorted(short)))
        counts[" and ".join(sorted(short))] += 1
        distance = sum(amount / request["resources"][name] for name, amount in short.items())
        if nearest is None or distance < nearest[0]:
            nearest = distance, {name: max(free.get(name, 0), 0) for name in short}
    why = ", ".join(f"{number} of {len(hypervisors)} by {name}"
                    for name, number in counts.most_common())
    sentence = f"{len(hypervisors)} host{'s' if len(hypervisors) > 1 else ''} refused: {why}."
    if nearest is not None:
        fits = ", ".join(f"at most {room} {UNITS.get(name, name)}"
                         for name, room in sorted(nearest[1].items()))
        sentence += f" It would fit now with {fits}."
    return "\n".join([sentence, *lines])


def _free(placement: Placement, ctx: Context, provider: str) -> dict[str, int]:
    try:
        inventories = placement.show_inventories(ctx, provider)["inventories"]
        usages = placement.show_usages(ctx, provider)
    except Problem:
        return {}
    free = {}
    for name, inventory in inventories.items():
        room = int((inventory["total"] - inventory["reserved"]) * inventory["allocation_ratio"])
        # No single server may be bigger than max_unit, whatever the ratio.
        free[name] = min(room - usages.get(name, 0), inventory["max_unit"])
    return free
