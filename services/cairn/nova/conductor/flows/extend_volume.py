"""extend_volume: nothing of the server's changes."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer


class Steps(Doer):
    def failed(self, job: Job, error: str) -> None:
        """The volume is larger all the same; the server's actions say what its guest sees."""
