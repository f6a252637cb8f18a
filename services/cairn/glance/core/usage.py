"""What a project uses of what keystone's unified limits allow it, in MiB and images."""

import logging
import time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.common import held
from cairn.common.context import Context
from cairn.common.db import claim_row, utcnow
from cairn.common.errors import Problem, TooLarge
from cairn.glance.component import Glance
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image, UsageLock

log = logging.getLogger(__name__)
MIB = 1 << 20
SIZE, STAGED = "image_size_total", "image_stage_total"
COUNT, UPLOADING = "image_count_total", "image_count_uploading"
NAMES = (SIZE, STAGED, COUNT, UPLOADING)
REMEMBERED = 20.0  # Seconds limits may be old.
COMING = ("saving", "uploading", "importing")


class OverQuota(TooLarge):
    message = ("Project {project} is over a limit for {name}: it has {limit}, uses {used} and "
               "asked for {delta} more.")


_remembered: dict[str, tuple[float, dict[str, int]]] = {}


def limits(glance: Glance, ctx: Context) -> dict[str, int]:
    """The caller's project's limits by name; what has none is missing.

    Asked for with the caller's own token: a project may see its limits. Before a transaction, never
    in one.
    """
    held.none_for("limits")
    if not glance.settings.use_keystone_limits or glance.cloud is None or not ctx.project:
        return {}
    moment, limits = _remembered.get(ctx.project, (0.0, {}))
    if time.monotonic() - moment < REMEMBERED:
        return limits
    mine = {"X-Auth-Token": ctx.token}
    try:
        registered = glance.cloud.get("identity", "/registered_limits", headers=mine).json()
        own = glance.cloud.get("identity", f"/limits?project_id={ctx.project}", headers=mine).json()
    except Problem as error:
        # A keystone that is away has let nobody in for long; what was known still holds.
        log.warning("limits of project %s could not be asked for: %s", ctx.project, error)
        return limits
    limits = {}
    for limit in registered["registered_limits"]:
        if limit["resource_name"] in NAMES:
            limits[limit["resource_name"]] = limit["default_limit"]
    for limit in own["limits"]:
        if limit["resource_name"] in limits and limit.get("project_id") == ctx.project:
            limits[limit["resource_name"]] = limit["resource_limit"]
    if len(_remembered) > 4096:
        _remembered.clear()
    _remembered[ctx.project] = (time.monotonic(), limits)
    return limits


def used(session: Session, project: str) -> dict[str, int]:
    """What the project uses by the names of limits: NAMES. Sizes are in whole MiB, and each copy in
    a further store counts."""
    def count(what: Any, *conditions: Any) -> int:
        query = select(what).where(
            Image.owner == project, Image.status != "deleted", *conditions)
        return int(session.scalar(query) or 0)

    stored = session.scalar(
        select(func.sum(Image.size)).join(ImageLocation, ImageLocation.image_id == Image.id)
        .where(Image.owner == project, Image.status != "deleted"))
    # What uploads said that they will send.
    coming = count(func.sum(Image.size), Image.status == "saving")
    staged = count(func.sum(Image.size), Image.status.in_(("uploading", "importing")))
    return {SIZE: (int(stored or 0) + coming) // MIB, STAGED: staged // MIB,
            COUNT: count(func.count()),
            UPLOADING: count(func.count(), Image.status.in_(COMING))}


def hold(
    session: Session, project: str, allowed: dict[str, int], name: str, delta: int
) -> int | None:
    """How much more of `name` the project may have after `delta` of it (bytes, or images); None
    for any. Others of the project wait until the transaction has ended. Raises OverQuota."""
    limit = allowed.get(name, -1)
    if limit < 0:
        return None
    unit = MIB if name in (SIZE, STAGED) else 1
    _lock(session, project)
    now = used(session, project)[name]
    if now + delta // unit > limit:
        raise OverQuota(project=project, name=name, limit=limit, used=now, delta=delta // unit,
                        reason="")
    return (limit + 1 - now) * unit - delta - 1


def _lock(session: Session, project: str) -> None:
    """What is counted in this transaction stays so until its end."""
    now = {"locked_at": utcnow()}
    claim_row(session, UsageLock, {"project_id": project}, touched=now, first=now)


def report(glance: Glance, ctx: Context) -> dict[str, dict[str, int]]:
    """Of each of NAMES `usage` and `limit` (-1: any), as GET /info/usage shows it; empty where no
    limits are kept."""
    if not glance.settings.use_keystone_limits:
        return {}
    allowed = limits(glance, ctx)
    with glance.db.reading() as session:
        now = used(session, ctx.project)
    return {name: {"usage": now[name], "limit": allowed.get(name, -1)} for name in NAMES}
