"""Files of volumes on an NFS share that this host has mounted. Only this host opens them: guests of
others have them from its NBD server, so that they need no NFS client."""

import os

from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.drivers.file import FileDriver


class NfsDriver(FileDriver):
    """It is refused while nothing is mounted there: volumes would fill the host's own disk."""

    def _prepare(self) -> None:
        if not os.path.ismount(self.folder):
            self._prepared = False
            raise BackendFailed(reason=f"no share is mounted at {self.folder}")
        super()._prepare()
