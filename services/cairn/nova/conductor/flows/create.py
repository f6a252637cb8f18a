"""create: a host is chosen, ports and volumes are made; the host does the rest."""

import itertools
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.boot_volumes import BootsFromVolumes
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.placing import Places
from cairn.nova.conductor.ports import DeletesPorts
from cairn.nova.core import network, servers, vifs


class Steps(BootsFromVolumes, DeletesPorts, Places):
    def steps(self) -> Mapping[str, Do]:
        return {
            "work_taken": step(self.take),
            "host_selected": step(self.select_host, self.release_claim),
            "host_recorded": step(self.record_host, self.forget_host),
            "ports_created": step(self.create_ports, self.delete_ports),
            "volumes_created": step(self.create_volumes, self.delete_volumes),
            "volumes_attached": step(self.attach_volumes, self.detach_volumes),
            "work_handed": step(self.hand),
        }

    def take(self, job: Job) -> None:
        self.row(job)

    def create_ports(self, job: Job) -> dict[str, Any]:
        row = self.row(job)
        # A question without an answer may have been carried out all the same.
        tries = itertools.count(job.attempts)
        groups = job.args["security_groups"]
        made = self.patiently(
            lambda: network.make_ports(self.nova, job.ctx, row, row.host, row.zone, groups,
                                       again=next(tries) > 1),
            "making ports",
        )
        vifs.change(self.nova.db, row.id, lambda kept: made)
        return {"ports": [vif["id"] for vif in made]}

    def give_up(self, session: Session, job: Job, fault: dict[str, Any]) -> None:
        servers.change(session, job.subject, task_state=None, vm_state="error",
                       admin_pass=None, fault=fault)
