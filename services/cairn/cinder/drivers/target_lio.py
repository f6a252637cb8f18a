"""Targets of the kernel (LIO), made in its configuration file system: no tool, and no secret among
the words of one."""

import errno
import os
import threading
from pathlib import Path

from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.drivers.targets import Export

CONFIG = Path("/sys/kernel/config/target")
# Ours among those that others of this host may have made.
ADAPTER = "iblock_7400"
# Any initiator that has the secret. (Its name is its own claim, and says nothing.)
ATTRIBUTES = {"authentication": "1", "generate_node_acls": "1", "cache_dynamic_acls": "1"}
# A device is let go of when no target has it, which must not be between its making and a target's.
_LOCK = threading.Lock()


def there() -> bool:
    return CONFIG.is_dir() and Path("/sys/module/iscsi_target_mod").is_dir()


class Lio:
    lun = 0
    discards = True

    def __init__(self, portal: str, config: Path = CONFIG) -> None:
        self.portal, self.config = portal, config

    def check(self) -> None:
        if not self.config.is_dir():
            raise BackendFailed(reason=f"the kernel serves no iSCSI: there is no {self.config}")

    def serve(self, export: Export) -> None:
        try:
            with _LOCK:
                self._target(export, self._unit(export))
        except OSError as error:
            raise BackendFailed(
                reason=f"the kernel does not serve {export.iqn}: {error}") from error

    def _unit(self, export: Export) -> Path:
        """The device as the kernel's target has it: one for all attachments of a volume."""
        unit = self.config / "core" / ADAPTER / export.volume
        unit.mkdir(parents=True, exist_ok=True)
        if (unit / "enable").read_text().strip() != "1":
            _write(unit / "control", f"udev_path={export.device}")
            _write(unit / "udev_path", export.device)
            _write(unit / "enable", "1")
            # A guest knows its disk by this.
            _write(unit / "wwn/vpd_unit_serial", export.volume)
        try:
            _write(unit / "attrib/emulate_tpu", "1")
        except OSError as error:
            # The device does not discard.
            if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                raise
        return unit

    def _target(self, export: Export, unit: Path) -> None:
        group = self._group(export.iqn)
        group.mkdir(parents=True, exist_ok=True)
        for name, value in ATTRIBUTES.items():
            _write(group / "attrib" / name, value)
        _write(group / "attrib/demo_mode_write_protect", str(int(export.read_only)))
        _write(group / "auth/userid", export.user)
        _write(group / "auth/password", export.secret)
        lun = group / f"lun/lun_{self.lun}"
        lun.mkdir(exist_ok=True)
        if not (lun / "device").is_symlink():
            (lun / "device").symlink_to(unit)
        (group / "np" / self.portal).mkdir(exist_ok=True)
        if (group / "enable").read_text().strip() != "1":
            _write(group / "enable", "1")

    def end(self, iqn: str) -> None:
        with _LOCK:
            self._end(iqn)

    def _end(self, iqn: str) -> None:
        target, group = self.config / "iscsi" / iqn, self._group(iqn)
        try:
            if group.is_dir():
                if (group / "enable").read_text().strip() == "1":
                    # Ends the sessions too.
                    _write(group / "enable", "0")
                for portal in _below(group / "np"):
                    portal.rmdir()
                for acl in _below(group / "acls"):
                    acl.rmdir()
                for lun in _below(group / "lun"):
                    for link in _links(lun):
                        link.unlink()
                    lun.rmdir()
                group.rmdir()
            if target.is_dir():
                target.rmdir()
            self._sweep()
        except OSError as error:
            raise BackendFailed(reason=f"the kernel does not end {iqn}: {error}") from error

    def _sweep(self) -> None:
        """Lets go of the devices that no target has any more."""
        for unit in _below(self.config / "core" / ADAPTER):
            try:
                unit.rmdir()
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT):
                    raise

    def served(self) -> set[str]:
        return {path.name for path in _below(self.config / "iscsi") if ":" in path.name}

    def grown(self, export: Export) -> None:
        """The kernel asks the device each time that it is asked."""

    def _group(self, iqn: str) -> Path:
        return self.config / "iscsi" / iqn / "tpgt_1"


def _below(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def _links(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_symlink()]


def _write(path: Path, text: str) -> None:
    """One write: each is a command to the kernel."""
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
