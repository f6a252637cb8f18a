"""Two looks, and what to do about what both have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cairn.cinder.audit import (
    attachments,
    backups,
    contents,
    guests,
    keys,
    leftovers,
    rows,
    servers,
    statuses,
    storage,
)
from cairn.cinder.audit.finding import ORPHAN, SAFE, Finding
from cairn.cinder.audit.look import Look
from cairn.cinder.component import Cinder
from cairn.common.context import Context
from cairn.common.errors import Problem

CHECKS = (contents, attachments, guests, statuses, backups, leftovers, keys)
# Bytes that are nobody's.
KEEP, UNMANAGE, DELETE = "keep", "unmanage", "delete"


def audit(cinder: Cinder, ctx: Context, grace: float) -> list[Finding]:
    """What the three do not agree on, twice: what changed between the looks, and what a work
    concerns that is open or ended meanwhile, is none. Changes nothing."""
    before = _look(cinder, ctx, grace)
    held = storage.ask(cinder, ctx, before.rows)
    servers.ask_guests(cinder, ctx, before.servers)
    before = replace(before, storage=held)
    after = _look(cinder, ctx, grace, before.rows.last_work)
    after = replace(after, storage=held, servers=after.servers if after.servers.silent else replace(
        after.servers, guests=before.servers.guests, holders=before.servers.holders,
        silent_hosts=before.servers.silent_hosts))
    moving = set().union(*(
        look.rows.moving | look.servers.busy for look in (before, after)))
    first = {(each.kind, each.id) for each in _findings(before)}
    return [each for each in _findings(after)
            if (each.kind, each.id) in first and not each.about & moving]


def _look(cinder: Cinder, ctx: Context, grace: float, last_work: int | None = None) -> Look:
    """What is said by those who keep rows."""
    told = rows.read(cinder, last_work)
    named = {row.instance_id for row in told.attachments.values() if row.instance_id}
    return Look(told, storage.Storage(), servers.list_uses(cinder, ctx, named), grace)


def _findings(look: Look) -> Iterator[Finding]:
    for name, why in sorted(look.storage.silent.items()):
        yield Finding("not-looked-at", name, "bring it back, and look again", "", why)
    if look.servers.silent:
        yield Finding("not-looked-at", "nova", "bring it back, and look again", "", "",
                      look.servers.silent)
    for name, why in sorted(look.servers.silent_hosts.items()):
        yield Finding("not-looked-at", name, "bring it back, and look again", "", "", why)
    for check in CHECKS:
        yield from check.check(look)


@dataclass(frozen=True)
class Result:
    """What became of a finding: empty, "done", or why it could not be mended."""

    finding: Finding
    said: str = ""


def mend(
    cinder: Cinder, ctx: Context, findings: list[Finding], *, safe: bool, orphans: str = KEEP
) -> list[Result]:
    """Mend what is safe, if that is asked for; do with bytes that are nobody's as is said. What is
    mended frees what comes behind it: exports go before volumes, snapshots before volumes."""
    return [Result(each, _mend(cinder, ctx, each, safe, orphans))
            for each in sorted(findings, key=_turn)]


def _turn(finding: Finding) -> tuple[int, str, str]:
    return finding.kind in ("orphan-volume", "orphan-key"), finding.kind, finding.id


def _mend(cinder: Cinder, ctx: Context, finding: Finding, safe: bool, orphans: str) -> str:
    do = None
    if finding.safety == SAFE and safe:
        do = finding.mend
    elif finding.safety == ORPHAN:
        do = {DELETE: finding.mend, UNMANAGE: finding.spare}.get(orphans)
    if do is None:
        return ""
    try:
        do(cinder, ctx)
    except Problem as problem:
        return str(problem)
    return "done"
