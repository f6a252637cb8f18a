"""unshelve: a host is chosen, ports and volumes follow; the host does the rest. Of a server that is
on its host still only the image is left to do."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job, Later
from cairn.nova.conductor.doer import Doer, step
from cairn.nova.conductor.moves import MovesPorts, MovesVolumes
from cairn.nova.conductor.placing import Places
from cairn.nova.conductor.shelved_images import HasShelvedImage
from cairn.nova.core import images, servers
from cairn.nova.db.models import Server

PAUSE = 10.0  # Seconds until Glance is asked again to delete the image.


class Steps(MovesPorts, MovesVolumes, Places, HasShelvedImage):
    CHOOSING = GOING = "unshelving"

    def steps(self) -> Mapping[str, Do]:
        return {
            "work_taken": step(_offloaded(self.take)),
            "host_selected": step(self.choose, self._unless_it_runs(self.release_claim)),
            "host_recorded": step(_offloaded(self.record_host),
                                  self._unless_it_runs(self.forget_host)),
            "ports_bound": step(_offloaded(self.bind_ports),
                                self._unless_it_runs(self.unbind_ports)),
            "volumes_attached": step(_offloaded(self.connect_volumes),
                                     self._unless_it_runs(self.disconnect_volumes)),
            "work_handed": step(_offloaded(self.hand)),
            "image_deleted": step(self.delete_image),
        }

    def take(self, job: Job) -> None:
        """What Glance says of its image is kept with the server: its host needs that."""
        row = self.row(job)
        if row.shelved_image is None:
            return
        image = self.patiently(
            lambda: images.find(self.nova, job.ctx, row.shelved_image["id"]),
            "looking at an image")
        with self.nova.db.writing() as session:
            session.execute(update(Server).where(Server.id == row.id).values(shelved_image=image))

    def choose(self, job: Job) -> dict[str, Any]:
        if job.args["offloaded"]:
            return self.select_host(job)
        row = self.row(job)
        return {"host": row.host, "node": row.node}

    def delete_image(self, job: Job) -> None:
        """The server runs already: nothing is taken back because Glance is away."""
        try:
            self.remove_image(job)
        except Problem as problem:
            raise Later(PAUSE) from problem

    def _unless_it_runs(self, undo: Callable[[Job], None]) -> Callable[[Job], None]:
        """The undo, of a server that comes to a host and does not run there yet."""

        def run(job: Job) -> None:
            if job.args["offloaded"] and not self._runs(job):
                undo(job)

        return run

    def _runs(self, job: Job) -> bool:
        row = self.row_or_none(job)
        return row is not None and row.vm_state == "active"

    def failed(self, job: Job, error: str) -> None:
        if self._runs(job):
            return
        if job.args["offloaded"]:
            super().failed(job, error)
        else:
            Doer.failed(self, job, error)

    def give_up(self, session: Session, job: Job, fault: dict[str, Any]) -> None:
        """It is SHELVED_OFFLOADED still."""
        servers.change(session, job.subject, task_state=None, fault=fault)


def _offloaded(do: Callable[[Job], Any]) -> Callable[[Job], Any]:
    """The step, of a server that is on no host."""
    return lambda job: do(job) if job.args["offloaded"] else None
