"""Where backups are kept, and which storage hosts reach that, as cinder-backup of each says itself.

A place is called the same by every host that has it (a pool of Ceph, a shared folder); a folder of
one host's own is called so by that host alone.
"""

from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import services
from cairn.cinder.errors import NoBackupService
from cairn.cinder.rpc import BackupRecord


def record(backup: Any) -> BackupRecord:
    """What a storage host gets to know of it."""
    said = backup.provider
    return {"id": said.get("data") or backup.id, "container": said.get("container"),
            "target": said.get("target") or ""}


def is_reached(service: Any, backup: Any) -> bool:
    """Whether that host has the place. What the first release kept does not say where that is: only
    the host that made it is sure to."""
    said = service.report or {}
    if target := backup.provider.get("target"):
        return bool(said.get("target") == target)
    return bool(service.host == backup.host and said.get("driver", backup.driver) == backup.driver)


def trouble(service: Any, cinder: Cinder) -> str:
    """Why a host does nothing with backups now; empty where it does."""
    if service.disabled:
        reason = f" ({service.disabled_reason})" if service.disabled_reason else ""
        return f"is disabled{reason}"
    if not services.up(service, cinder.service):
        return "was not heard of lately"
    said = (service.report or {}).get("trouble")
    return f"can not use the place where it keeps backups: {said}" if said else ""


def service_of(session: Session, cinder: Cinder, host: str) -> Any:
    """The host's cinder-backup, which works. Raises NoBackupService."""
    rows = services.of_binary(session, services.BACKUP)
    service = next((row for row in rows if row.host == host), None)
    if service is None:
        raise NoBackupService(reason="the volume's storage host makes no backups.")
    if why := trouble(service, cinder):
        raise NoBackupService(
            reason=f"that of the volume's storage host can not be used now.\n{host}: it {why}")
    return service


def hosts(session: Session, cinder: Cinder, backup: Any) -> list[str]:
    """Those that reach it and work."""
    return [row.host for row in services.of_binary(session, services.BACKUP)
            if is_reached(row, backup) and not trouble(row, cinder)]


def owner(session: Session, cinder: Cinder, backup: Any) -> str | None:
    """The host that is to do something with it: one that works, if there is one, the one that made
    it before others; None where nobody reaches it, working or not."""
    reaching = [row for row in services.of_binary(session, services.BACKUP)
                if is_reached(row, backup)]
    reaching.sort(key=lambda row: (bool(trouble(row, cinder)), row.host != backup.host))
    return reaching[0].host if reaching else None


def refuse(session: Session, cinder: Cinder, backup: Any) -> NoBackupService:
    """Why nobody can read it now. Its first line names no host."""
    rows = services.of_binary(session, services.BACKUP)
    lines = [f"{row.host}: it {trouble(row, cinder) or 'keeps backups elsewhere'}" for row in rows]
    if any(is_reached(row, backup) for row in rows):
        first = ("no storage host that works now reaches where the backup is kept. Try again when "
                 "it is back.")
    else:
        first = ("no storage host has the place where the backup is kept: a folder that is not "
                 "mounted, or another cloud's.")
    return NoBackupService(reason="\n".join([first, *lines]))
