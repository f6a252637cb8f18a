"""How much cinder's processes write to their logs, changed while they run.

A storage host has one cinder-volume, and cinder-backup in it, which can be told. Controllers have
several alike processes, of which nobody is asked by name: theirs is set where they are started.
"""

from typing import Any

from cairn.cinder.component import Cinder
from cairn.cinder.core import service_changes, services
from cairn.cinder.errors import InvalidInput
from cairn.common.context import Context

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Ours; a process may be shared with other components, whose logs are theirs.
ROOT = "cairn.cinder"
# And cinder-backup's, in cinder-volume's process.
BACKUPS = "cairn.cinder.volume.backups"
_TOLD = (services.VOLUME, services.BACKUP)
_OTHERS = ("cinder-api", "cinder-scheduler")


def put(
    cinder: Cinder, ctx: Context, level: str, binary: str | None, server: str | None,
    prefix: str | None,
) -> None:
    """Raises InvalidInput, Unavailable for a host that does not answer."""
    if level.upper() not in LEVELS:
        raise InvalidInput(reason=f"level: {level} is none of {', '.join(LEVELS)}.")
    for name, host in _asked(cinder, binary, server, prefix):
        cinder.volume.set_log_level(ctx, host=host, level=level.upper(), prefix=prefix or ROOT,
                                    binary=name)


def read(
    cinder: Cinder, ctx: Context, binary: str | None, server: str | None, prefix: str | None
) -> list[dict[str, Any]]:
    """By process. Raises InvalidInput, Unavailable for a host that does not answer."""
    return [{"binary": name, "host": host,
             "levels": cinder.volume.log_levels(ctx, host=host, prefix=prefix or ROOT,
                                                binary=name)}
            for name, host in _asked(cinder, binary, server, prefix)]


def _asked(
    cinder: Cinder, binary: str | None, server: str | None, prefix: str | None
) -> list[tuple[str, str]]:
    """The processes that are up, and the host of each."""
    if binary in _OTHERS:
        raise InvalidInput(reason=f"binary: the log level of {binary} is changed in its settings; "
                                  f"only {' and '.join(_TOLD)} can be told while they run.")
    if binary not in (None, "", "*", *_TOLD):
        raise InvalidInput(reason=f"binary: {binary} is none of cinder's processes.")
    names = [binary] if binary in _TOLD else list(_TOLD)
    having = [name for name in names if _has(name, prefix)]
    if not having:
        raise InvalidInput(reason=f"prefix: {prefix} names no loggers of {' or '.join(names)}: "
                                  f"those begin with {ROOT}, cinder-backup's with {BACKUPS}.")
    return [(name, host) for name in having for host in sorted({
        service.host.partition("@")[0]
        for service in service_changes.index(cinder, host=server, binary=name)
        if services.up(service, cinder.service)})]


def _has(binary: str, prefix: str | None) -> bool:
    """Whether any of its loggers is of that name or below it. Those of cinder-backup are not
    cinder-volume's."""
    asked, backups = f"{prefix or ROOT}.", f"{BACKUPS}."
    if not asked.startswith(f"{ROOT}."):
        return False
    if binary == services.BACKUP:
        return asked.startswith(backups) or backups.startswith(asked)
    return not asked.startswith(backups)
