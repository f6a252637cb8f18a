"""detach_interface: after its host, the port."""

import contextlib
from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import network, vifs
from cairn.nova.errors import ServerNotFound


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"port_released": step(self.release)}

    def release(self, job: Job) -> None:
        row = self.row(job)
        port_id = job.args["port_id"]
        kept = {vif["id"] for vif in row.vifs if vif["preserve"]}
        self.patiently(
            lambda: network.remove_ports(self.nova, job.ctx, row.id, kept, only=port_id),
            "removing a port",
        )
        with contextlib.suppress(ServerNotFound):
            vifs.remove(self.nova.db, row.id, port_id)
        self.patiently(lambda: network.refresh(self.nova, job.ctx, [self.row(job)]),
                       "looking at ports")

    def failed(self, job: Job, error: str) -> None:
        """The server is as it was; its actions say why."""
