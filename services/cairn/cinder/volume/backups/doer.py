"""A storage host's steps of backups. They are done in cinder-volume, by threads of their own: what
a driver holds, it holds for one process."""

from dataclasses import dataclass

from cairn.cinder.rpc import SCHEDULER
from cairn.cinder.volume.backends import Backends
from cairn.cinder.volume.backups.targets import Target
from cairn.common import flows
from cairn.common.flows import Action
from cairn.common.work import Job


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
