"""Where backups are kept."""

from cairn.cinder.volume.backups.targets.base import Kept, Target
from cairn.cinder.volume.backups.targets.folder import Folder
from cairn.cinder.volume.backups.targets.rados import Rados
from cairn.common.settings import BadSetting

__all__ = ["Kept", "Target", "make"]


def make(setting: str) -> Target:
    """Of KIND:WHERE. Raises BadSetting."""
    kind, _, where = setting.partition(":")
    if kind == "file" and where.startswith("/"):
        return Folder(where)
    if kind == "rados" and where.partition(":")[0]:
        return Rados(where)
    raise BadSetting(f"backup_target: {setting} is neither file:/FOLDER nor rados:POOL[:USER]")
