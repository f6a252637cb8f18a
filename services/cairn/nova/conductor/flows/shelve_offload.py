"""shelveOffload: ports and volumes are let go before the host is told, for that can be taken back;
the claim is given back after."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job, Later
from cairn.nova.conductor.claims import HasClaim
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.moves import MovesPorts, MovesVolumes
from cairn.nova.core import servers
from cairn.nova.drivers.base import SHUTDOWN

PAUSE = 10.0  # Seconds until Placement is asked again.


class Steps(MovesPorts, MovesVolumes, HasClaim):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volumes_disconnected": step(self.disconnect_volumes, self.connect_again),
            "ports_unbound": step(self.unbind_ports, self.bind_again),
            "allocation_removed": step(self.remove_allocation),
            "server_offloaded": step(self.finish),
        }

    def connect_again(self, job: Job) -> None:
        if not self._goes(job):
            self.connect_volumes(job)

    def bind_again(self, job: Job) -> None:
        if not self._goes(job):
            self.bind_ports(job)

    def _goes(self, job: Job) -> bool:
        """Whether the server will need no host again."""
        row = self.row_or_none(job)
        return row is None or row.deleted or row.task_state == "deleting"

    def remove_allocation(self, job: Job) -> None:
        """The server is gone from the host already: this is not given up."""
        try:
            self.release_claim(job)
        except Problem as problem:
            raise Later(PAUSE) from problem

    def finish(self, job: Job) -> None:
        def record(session: Session) -> None:
            servers.change(session, job.subject, task_state=None, vm_state="shelved_offloaded",
                           power_state=SHUTDOWN, host=None, node=None)

        self.nova.db.write(record)
