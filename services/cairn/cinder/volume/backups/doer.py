"""A storage host's steps of backups. They are done in cinder-volume, by threads of their own: what
a driver holds, it holds for one process."""

import logging
from dataclasses import dataclass
from typing import Any

from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.rpc import SCHEDULER
from cairn.cinder.volume.backends import Backends
from cairn.cinder.volume.backups.targets import Kept, Target
from cairn.common import flows
from cairn.common.flows import Action
from cairn.common.work import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hands:
    """What they are done with."""

    backends: Backends
    target: Target


class Doer(flows.Doer):
    """What fails here ends at the scheduler."""

    def __init__(self, action: Action, hands: Hands) -> None:
        super().__init__(action)
        self.backends, self.target = hands.backends, hands.target

    def runner(self, room: str, job: Job) -> str:
        return SCHEDULER

    def failed(self, job: Job, error: str) -> str:
        return SCHEDULER

    def kept(self, job: Job) -> Kept:
        """The work's backup."""
        said = _said(job)
        return Kept(said.get("id") or job.args["resource_id"], said.get("container"))

    def check_target(self, job: Job) -> None:
        """Raises BackendFailed where this host's target is not the one that the backup is of: a
        share that is not mounted is an empty folder."""
        expected = _said(job).get("target")
        if expected and (here := self.target.identity()) != expected:
            log.error("backups are kept in %s here, not in %s: is a share not mounted?", here,
                      expected)
            raise BackendFailed(reason="the storage host does not have the place where the backup "
                                       "is kept; is its share mounted?")


def _said(job: Job) -> dict[str, Any]:
    """As rpc.BackupRecord; nothing in works of the first release."""
    said: dict[str, Any] = job.args.get("kept") or {}
    return said
