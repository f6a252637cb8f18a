"""createBackup: the disk is frozen, sent to Glance, forgotten here."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.nova.compute.snapshots import Snapshots


class Steps(Snapshots):
    def steps(self) -> Mapping[str, Do]:
        return {
            "snapshot_taken": Do(self.take, self.forget),
            "snapshot_uploaded": Do(self.upload),
            "snapshot_removed": Do(self.forget),
        }
