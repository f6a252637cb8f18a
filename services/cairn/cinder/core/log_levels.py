"""How much cinder's processes write to their logs, changed while they run.

A storage host has one cinder-volume, which can be told. Controllers have several alike processes,
of which nobody is asked by name: theirs is set where they are started.
"""

from typing import Any

from cairn.cinder.component import Cinder
from cairn.cinder.core import service_changes, services
from cairn.cinder.errors import InvalidInput
from cairn.common.context import Context

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Ours; a process may be shared with other components, whose logs are theirs.
ROOT = "cairn.cinder"
_OTHERS = ("cinder-api", "cinder-scheduler", "cinder-backup")


def put(
    cinder: Cinder, ctx: Context, level: str, binary: str | None, server: str | None,
    prefix: str | None,
) -> None:
    """Raises InvalidInput, Unavailable for a host that does not answer."""
    if level.upper() not in LEVELS:
        raise InvalidInput(reason=f"level: {level} is none of {', '.join(LEVELS)}.")
    for host in _hosts(cinder, binary, server):
        cinder.volume.set_log_level(ctx, host=host, level=level.upper(), prefix=_prefix(prefix))


def read(
    cinder: Cinder, ctx: Context, binary: str | None, server: str | None, prefix: str | None
) -> list[dict[str, Any]]:
    """By process. Raises InvalidInput, Unavailable for a host that does not answer."""
    return [{"binary": services.VOLUME, "host": host,
             "levels": cinder.volume.log_levels(ctx, host=host, prefix=_prefix(prefix))}
            for host in _hosts(cinder, binary, server)]


def _prefix(prefix: str | None) -> str:
    if not prefix:
        return ROOT
    if prefix != ROOT and not prefix.startswith(ROOT + "."):
        raise InvalidInput(reason=f"prefix: {prefix} does not begin with {ROOT}.")
    return prefix


def _hosts(cinder: Cinder, binary: str | None, server: str | None) -> list[str]:
    if binary in _OTHERS:
        raise InvalidInput(reason=f"binary: the log level of {binary} is changed in its settings; "
                                  f"only {services.VOLUME} can be told while it runs.")
    if binary not in (None, "", "*", services.VOLUME):
        raise InvalidInput(reason=f"binary: {binary} is none of cinder's processes.")
    up = {service.host.partition("@")[0]
          for service in service_changes.index(cinder, host=server, binary=services.VOLUME)
          if services.up(service, cinder.service)}
    return sorted(up)
