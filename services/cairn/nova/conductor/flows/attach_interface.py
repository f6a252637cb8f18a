"""attach_interface: the port is made, or taken, and bound; the host does the rest."""

import contextlib
from collections.abc import Mapping
from typing import Any

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.core import network, vifs
from cairn.nova.errors import NotOnAHost, ServerNotFound


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"work_taken": step(self.take), "port_bound": step(self.bind, self.unbind)}

    def take(self, job: Job) -> dict[str, Any]:
        """What the server has before: what it has later besides is this work's."""
        row = self.row(job)
        if row.host is None:
            raise NotOnAHost(id=row.id)
        ports = self.patiently(lambda: network.ports_of(self.nova, job.ctx, row.id),
                               "looking at ports")
        return {"ports": [port["id"] for port in ports]}

    def bind(self, job: Job) -> dict[str, Any]:
        row = self.row(job)
        vif = self.patiently(
            lambda: network.attach(self.nova, job.ctx, row, job.args["requested"],
                                   job.results["work_taken"]["ports"]),
            "making a port",
        )
        vifs.add(self.nova.db, row.id, vif)
        self.patiently(lambda: network.refresh(self.nova, job.ctx, [self.row(job)]),
                       "looking at ports")
        return {"port_id": vif["id"]}

    def unbind(self, job: Job) -> None:
        own = job.args["requested"]["port_id"]
        before = set(job.results["work_taken"]["ports"])
        ours = self.patiently(
            lambda: network.undo_attach(self.nova, job.ctx, job.subject, own, before),
            "removing a port",
        )
        with contextlib.suppress(ServerNotFound):
            for port_id in ours:
                vifs.remove(self.nova.db, job.subject, port_id)

    def failed(self, job: Job, error: str) -> None:
        """The server is as it was, and whoever asked reads the work's error."""
