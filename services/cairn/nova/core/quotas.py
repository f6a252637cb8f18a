"""Limits, and usage that no two requests can push past them together."""

import contextlib
from dataclasses import asdict

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.db.models import Event, Keypair, Quota, Server, ServerGroup, Usage
from cairn.nova.errors import LimitReached, OverQuota
from cairn.nova.settings import QuotaSettings

RESOURCES = ("instances", "cores", "ram")
DEFAULT_CLASS = "class:default"
ALWAYS = ("instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups",
          "server_group_members")
FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
# What nova no longer limits, and versions before 2.36 still list.
NETWORK = {"fixed_ips": -1, "floating_ips": -1, "security_groups": -1, "security_group_rules": -1}


def limits(session: Session, project_id: str, defaults: QuotaSettings) -> dict[str, int]:
    """What holds for the project: its own limits over the default class over the settings."""
    rows = session.execute(
        select(Quota.project_id, Quota.resource, Quota.hard_limit)
        .where(Quota.project_id.in_((project_id, DEFAULT_CLASS)))
    ).all()
    values: dict[str, int] = asdict(defaults) | NETWORK
    for owner in (DEFAULT_CLASS, project_id):
        values |= {row.resource: row.hard_limit for row in rows if row.project_id == owner}
    return values


def usage(session: Session, project_id: str) -> dict[str, int]:
    """What a project uses of `instances`, `cores`, `ram` (MiB) and `server_groups`."""
    row = session.execute(
        select(Usage.instances, Usage.cores, Usage.ram).where(Usage.project_id == project_id)
    ).one_or_none()
    used = dict.fromkeys(RESOURCES, 0) if row is None else dict(row._mapping)
    used["server_groups"] = session.scalar(
        select(func.count()).where(ServerGroup.project_id == project_id)
    ) or 0
    return used


def reserve(
    session: Session, project_id: str, amounts: dict[str, int], allowed: dict[str, int]
) -> None:
    """Add to the project's usage if that stays within its limits. Raises OverQuota.

    One guarded UPDATE: the database, not we, decides who of two comes first.
    """
    guards = [
        getattr(Usage, name) + amount <= allowed[name]
        for name, amount in amounts.items() if allowed[name] >= 0
    ]
    statement = (
        update(Usage).where(Usage.project_id == project_id, *guards)
        .values({name: getattr(Usage, name) + amount for name, amount in amounts.items()})
    )
    while not changed(session.execute(statement)):
        try:
            with session.begin_nested():
                session.add(Usage(project_id=project_id, instances=0, cores=0, ram=0))
        except IntegrityError:
            # The row was there, so a limit refused; or another made it a moment ago.
            _refuse(session, project_id, amounts, allowed)


def hold(session: Session, owner: str) -> None:
    """Until this transaction ends no other counts what that project or user has: what is counted
    now is still so when something is added to it."""
    lock = update(Usage).where(Usage.project_id == owner).values(instances=Usage.instances)
    while not changed(session.execute(lock)):
        # There is no row yet, or another makes it at this moment.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.add(Usage(project_id=owner, instances=0, cores=0, ram=0))


def _refuse(
    session: Session, project_id: str, amounts: dict[str, int], allowed: dict[str, int]
) -> None:
    used = usage(session, project_id)
    over = [name for name, amount in amounts.items()
            if 0 <= allowed[name] < used[name] + amount]
    if not over:
        return
    raise OverQuota(
        over=", ".join(over), requested=", ".join(str(amounts[name]) for name in over),
        used=", ".join(str(used[name]) for name in over),
        allowed=", ".join(str(allowed[name]) for name in over), unit=", ".join(over),
    )


def release(session: Session, project_id: str, amounts: dict[str, int]) -> None:
    """Give back; never below nothing."""
    session.execute(
        update(Usage).where(Usage.project_id == project_id)
        .values({name: getattr(Usage, name) - amount for name, amount in amounts.items()})
    )


def of_servers(vcpus: int, ram: int, count: int = 1) -> dict[str, int]:
    """What `count` servers of so many VCPUs and MiB of memory use together, by resource."""
    return {"instances": count, "cores": vcpus * count, "ram": ram * count}


def recount(session: Session) -> int:
    """Make every usage row say what the servers say; how many were wrong (an operator's remedy)."""
    true: dict[str, dict[str, int]] = {}
    for project_id, flavor in session.execute(
        select(Server.project_id, Server.flavor).where(Server.deleted.is_(False))
    ):
        sums = true.setdefault(project_id, dict.fromkeys(RESOURCES, 0))
        for name, amount in of_servers(flavor["vcpus"], flavor["ram"]).items():
            sums[name] += amount
    wrong = 0
    for row in session.scalars(select(Usage).with_for_update()).all():
        sums = true.get(row.project_id, dict.fromkeys(RESOURCES, 0))
        if any(getattr(row, name) != sums[name] for name in RESOURCES):
            wrong += 1
            for name in RESOURCES:
                setattr(row, name, sums[name])
    return wrong


def check_keypairs(session: Session, user_id: str, allowed: int) -> None:
    """Raises LimitReached when the user has as many keys as allowed."""
    hold(session, user_id)
    have = session.scalar(select(func.count()).where(Keypair.user_id == user_id)) or 0
    if 0 <= allowed <= have:
        raise LimitReached(what="key pairs", limit=allowed)


def get_limits(nova: Nova, project_id: str) -> dict[str, int]:
    """`limits` in a transaction of its own."""
    with nova.db.reading() as session:
        return limits(session, project_id, nova.quota)


def get_usage(nova: Nova, project_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """A project's limits, and what it uses of them."""
    with nova.db.reading() as session:
        return limits(session, project_id, nova.quota), usage(session, project_id)


def change(
    nova: Nova, ctx: Context, project_id: str, values: dict[str, int], *, force: bool
) -> dict[str, int]:
    """Limits of a project (or class) instead of the defaults; all of its limits then. Raises
    Invalid for one below what is used, unless by `force`."""
    with nova.db.writing() as session:
        used = {} if force else usage(session, project_id)
        for name, value in values.items():
            if 0 <= value < used.get(name, 0):
                raise Invalid(reason=f"Quota limit {value} for {name} must be greater than or "
                                     f"equal to already used and reserved {used[name]}.")
            session.merge(Quota(project_id=project_id, resource=name, hard_limit=value))
        Event.record(session, ctx, "quota.update", "quota", project_id, {"limits": values},
                     project_id=project_id)
        session.flush()
        return limits(session, project_id, nova.quota)


def reset(nova: Nova, ctx: Context, project_id: str) -> None:
    """Let the defaults hold again."""
    with nova.db.writing() as session:
        session.execute(delete(Quota).where(Quota.project_id == project_id))
        Event.record(session, ctx, "quota.delete", "quota", project_id, {}, project_id=project_id)
