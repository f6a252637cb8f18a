"""Limits, and usage that no two requests can push past them together.

A user may have limits of his own in a project, beside the project's; both hold.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed, claim_row
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.core import migrations
from cairn.nova.db.models import (
    Event,
    Keypair,
    Quota,
    Server,
    ServerGroup,
    Usage,
    UserQuota,
)
from cairn.nova.errors import LimitReached, OverQuota
from cairn.nova.settings import QuotaSettings

RESOURCES = ("instances", "cores", "ram")
DEFAULT_CLASS = "class:default"
ALWAYS = ("instances", "cores", "ram", "metadata_items", "key_pairs", "server_groups",
          "server_group_members")
FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
# What nova no longer limits, and versions before 2.36 still list.
NETWORK = {"fixed_ips": -1, "floating_ips": -1, "security_groups": -1, "security_group_rules": -1}


def limits(
    session: Session, project_id: str, defaults: QuotaSettings, user_id: str | None = None
) -> dict[str, int]:
    """What holds for the project: its own limits over the default class over the settings. With
    `user_id`, what holds for that user in it: his own limits over those."""
    rows = session.execute(
        select(Quota.project_id, Quota.resource, Quota.hard_limit)
        .where(Quota.project_id.in_((project_id, DEFAULT_CLASS)))
    ).all()
    values: dict[str, int] = asdict(defaults) | NETWORK
    for owner in (DEFAULT_CLASS, project_id):
        values |= {row.resource: row.hard_limit for row in rows if row.project_id == owner}
    return values if user_id is None else values | user_limits(session, project_id, user_id)


def user_limits(session: Session, project_id: str, user_id: str) -> dict[str, int]:
    """The limits that only the user has in that project, none of the project's."""
    rows = session.execute(
        select(UserQuota.resource, UserQuota.hard_limit)
        .where(UserQuota.project_id == project_id, UserQuota.user_id == user_id))
    return {row.resource: row.hard_limit for row in rows}


def allowed(
    session: Session, project_id: str, user_id: str, defaults: QuotaSettings
) -> dict[str, int]:
    """What a user may have in that project: of each resource the narrower of both limits."""
    return narrower(limits(session, project_id, defaults),
                    user_limits(session, project_id, user_id))


def narrower(project: dict[str, int], own: dict[str, int]) -> dict[str, int]:
    """The project's limits, but a user's own where it is less; -1 is more than any."""
    return project | {name: limit for name, limit in own.items()
                      if 0 <= limit and not 0 <= project[name] <= limit}


def usage(session: Session, project_id: str, user_id: str | None = None) -> dict[str, int]:
    """What a project uses of `instances`, `cores`, `ram` (MiB) and `server_groups`; with `user_id`,
    what is that user's of it."""
    if user_id is None:
        row = session.execute(
            select(Usage.instances, Usage.cores, Usage.ram).where(Usage.project_id == project_id)
        ).one_or_none()
        used = dict.fromkeys(RESOURCES, 0) if row is None else dict(row._mapping)
    else:
        used = _user_servers(session, project_id, user_id)
    return used | {"server_groups": _groups(session, project_id, user_id)}


def _user_servers(session: Session, project_id: str, user_id: str) -> dict[str, int]:
    """Counted, not kept: few users have limits of their own."""
    sums = dict.fromkeys(RESOURCES, 0)
    for flavor in session.scalars(select(Server.flavor).where(
            Server.project_id == project_id, Server.user_id == user_id,
            Server.deleted.is_(False))):
        _add(sums, flavor)
    return sums


def _add(sums: dict[str, int], flavor: dict[str, Any]) -> None:
    for name, amount in of_servers(flavor["vcpus"], flavor["ram"]).items():
        sums[name] += amount


def _groups(session: Session, project_id: str, user_id: str | None) -> int:
    query = select(func.count()).where(ServerGroup.project_id == project_id)
    if user_id is not None:
        query = query.where(ServerGroup.user_id == user_id)
    return session.scalar(query) or 0


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
        # There was no row yet, or a limit refused.
        hold(session, project_id)
        _refuse(usage(session, project_id), amounts, allowed)


def check_user(
    session: Session, project_id: str, user_id: str, amounts: dict[str, int],
    allowed: dict[str, int],
) -> None:
    """Raises OverQuota when so much more passes the user's own limits in the project. Comes after
    `reserve` in its transaction: what that wrote keeps others of the project from counting."""
    own = {name: allowed[name] for name in amounts if name in allowed}
    if own:
        _refuse(_user_servers(session, project_id, user_id), amounts, own)


def hold(session: Session, owner: str) -> None:
    """Until this transaction ends no other counts what that project or user has: what is counted
    now is still so when something is added to it."""
    claim_row(session, Usage, {"project_id": owner}, touched={"instances": Usage.instances},
              first={"instances": 0, "cores": 0, "ram": 0})


def _refuse(
    used: dict[str, int], amounts: dict[str, int], allowed: dict[str, int]
) -> None:
    """Raises OverQuota if it is too much."""
    over = [name for name, limit in allowed.items()
            if name in amounts and 0 <= limit < used[name] + amounts[name]]
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
        _add(true.setdefault(project_id, dict.fromkeys(RESOURCES, 0)), flavor)
    for project_id, amounts in migrations.held(session):
        for name, amount in amounts.items():
            true[project_id][name] += amount
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


def check_groups(
    session: Session, project_id: str, user_id: str, defaults: QuotaSettings
) -> None:
    """Raises LimitReached when the project has as many server groups as it may have, or the user
    as many of them as he may."""
    hold(session, project_id)
    for who in (None, user_id):
        allowed = limits(session, project_id, defaults, who)["server_groups"]
        if 0 <= allowed <= _groups(session, project_id, who):
            raise LimitReached(what="server groups", limit=allowed)


def get_limits(nova: Nova, project_id: str, user_id: str | None = None) -> dict[str, int]:
    """`limits` in a transaction of its own."""
    with nova.db.reading() as session:
        return limits(session, project_id, nova.quota, user_id)


def get_usage(
    nova: Nova, project_id: str, user_id: str | None = None
) -> tuple[dict[str, int], dict[str, int]]:
    """A project's limits, and what it uses of them; with `user_id` that user's in it."""
    with nova.db.reading() as session:
        return (limits(session, project_id, nova.quota, user_id),
                usage(session, project_id, user_id))


def change(
    nova: Nova, ctx: Context, project_id: str, values: dict[str, int], *, force: bool,
    user_id: str | None = None,
) -> dict[str, int]:
    """Limits of a project (or class) instead of the defaults, or of one user in it beside the
    project's; all of its or his limits then. Raises Invalid, unless by `force`, for one below what
    is used or given to users, and for a user's that the project has no room for."""
    with nova.db.writing() as session:
        if not force:
            hold(session, project_id)
            _check_bounds(session, project_id, values, nova.quota, user_id)
        for name, value in values.items():
            session.merge(
                Quota(project_id=project_id, resource=name, hard_limit=value) if user_id is None
                else UserQuota(project_id=project_id, user_id=user_id, resource=name,
                               hard_limit=value))
        _record(session, ctx, "update", project_id, user_id, {"limits": values})
        session.flush()
        return limits(session, project_id, nova.quota, user_id)


def _check_bounds(
    session: Session, project_id: str, values: dict[str, int], defaults: QuotaSettings,
    user_id: str | None,
) -> None:
    """Raises Invalid."""
    least = usage(session, project_id, user_id)
    most: dict[str, int] = {}
    given = _given(session, project_id, user_id)
    if user_id is None:
        least = {name: max(least.get(name, 0), given.get(name, 0)) for name in least | given}
    else:
        most = {name: max(0, limit - given.get(name, 0))
                for name, limit in limits(session, project_id, defaults).items() if limit >= 0}
    for name, value in values.items():
        if 0 <= value < least.get(name, 0):
            raise Invalid(reason=f"Quota limit {value} for {name} must be greater than or "
                                 f"equal to already used and reserved {least[name]}.")
        if name in most and not 0 <= value <= most[name]:
            raise Invalid(reason=f"Quota limit {value} for {name} must be less than or equal to "
                                 f"{most[name]}.")


def _given(session: Session, project_id: str, but: str | None) -> dict[str, int]:
    """The sums of the limits that users have in the project, without those of one of them."""
    query = (select(UserQuota.resource, func.sum(UserQuota.hard_limit).label("sum"))
             .where(UserQuota.project_id == project_id, UserQuota.hard_limit >= 0)
             .group_by(UserQuota.resource))
    if but is not None:
        query = query.where(UserQuota.user_id != but)
    return {row.resource: int(row.sum) for row in session.execute(query)}


def reset(nova: Nova, ctx: Context, project_id: str, user_id: str | None = None) -> None:
    """Let the defaults hold again for the project and its users, or the project's for one user."""
    with nova.db.writing() as session:
        users = delete(UserQuota).where(UserQuota.project_id == project_id)
        if user_id is None:
            session.execute(delete(Quota).where(Quota.project_id == project_id))
            session.execute(users)
        else:
            session.execute(users.where(UserQuota.user_id == user_id))
        _record(session, ctx, "delete", project_id, user_id, {})


def _record(
    session: Session, ctx: Context, verb: str, project_id: str, user_id: str | None,
    payload: dict[str, Any],
) -> None:
    if user_id is not None:
        payload = payload | {"user_id": user_id}
    Event.record(session, ctx, f"quota.{verb}", "quota", project_id, payload,
                 project_id=project_id)
