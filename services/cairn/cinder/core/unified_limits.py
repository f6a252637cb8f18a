"""Keystone's unified limits of block storage, as they were some seconds ago."""

import logging
import time

from cairn.cinder.component import Cinder
from cairn.common import held
from cairn.common.context import Context
from cairn.common.errors import Problem

log = logging.getLogger(__name__)
REMEMBERED = 20.0  # Seconds limits may be old.

# Keystone's names, which are ours too.
NAMES = frozenset(("volumes", "snapshots", "gigabytes", "groups", "backups", "backup_gigabytes",
                   "per_volume_gigabytes"))
# What comes before a volume type's name.
BY_TYPE = ("volumes_", "snapshots_", "gigabytes_")

_remembered: dict[str, tuple[float, dict[str, int]]] = {}


def of(cinder: Cinder, ctx: Context, project_id: str) -> dict[str, int]:
    """By our names; what keystone has no limit for is missing. Before a transaction, never in
    one."""
    held.none_for("limits")
    if not cinder.quota.use_keystone_limits or not project_id:
        return {}
    moment, limits = _remembered.get(project_id, (0.0, {}))
    if moment and time.monotonic() - moment < REMEMBERED:
        return limits
    try:
        registered = cinder.cloud.limits.registered(ctx)
        own = cinder.cloud.limits.own(ctx, project_id) if registered else []
    except Problem as error:
        # A keystone that is away has let nobody in for long; what was known still holds.
        log.warning("limits of project %s could not be asked for: %s", project_id, error)
        return limits
    limits = {each["resource_name"]: each["default_limit"] for each in registered
              if each["resource_name"] in NAMES or each["resource_name"].startswith(BY_TYPE)}
    for each in own:
        name = each["resource_name"]
        if name in limits and each.get("project_id") == project_id:
            limits[name] = each["resource_limit"]
    if len(_remembered) > 4096:
        _remembered.clear()
    _remembered[project_id] = (time.monotonic(), limits)
    return limits
