"""What the conductor makes in Cinder: each once, for a mark in its metadata tells what a maker that
died did not write down; and how that is taken back."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Problem, Unavailable
from cairn.common.work import Job, check
from cairn.nova.conductor.doer import Doer
from cairn.nova.errors import NotMade, SnapshotNotMade, VolumeNotMade

log = logging.getLogger(__name__)

# What one is until it is there, or will never be.
UNDER_WAY = ("creating", "downloading", "restoring-backup")


@dataclass(frozen=True)
class Kind:
    """What Cinder is asked of its things of one kind."""

    noun: str
    show: Callable[[Context, str], Document]
    delete: Callable[[Context, str], None]
    not_made: type[NotMade]


@dataclass(frozen=True)
class Making:
    """One thing that a work makes."""

    kind: Kind
    create: Callable[[], Document]
    # Those that have its mark.
    marked: Callable[[], list[Document]]


class MakesOnce(Doer):
    """All of it may be repeated."""

    @property
    def volumes(self) -> Kind:
        cinder = self.nova.cloud.volumes
        return Kind("volume", cinder.show, cinder.delete, VolumeNotMade)

    @property
    def snapshots(self) -> Kind:
        cinder = self.nova.cloud.volumes
        return Kind("snapshot", cinder.show_snapshot, cinder.delete_snapshot, SnapshotNotMade)

    def make(self, job: Job, making: Making) -> tuple[Document, bool]:
        """It, and whether it was asked for more than once: then it may have twins."""
        tries = job.attempts

        def do() -> Document:
            nonlocal tries
            tries += 1
            there = making.marked() if tries > 2 else []
            return there[0] if there else making.create()

        return self.patiently(do, f"making a {making.kind.noun}"), tries > 2

    def remove_twins(self, job: Job, making: Making, kept_id: str) -> None:
        """A question that nobody answered may have been carried out after the look at what there
        was, and before it was asked again: then there is one too many."""
        for twin in self._marked(making):
            if twin["id"] != kept_id:
                with suppress(NotMade):  # It can be deleted then, too.
                    self.await_made(job, making.kind, twin["id"])
                self.remove(job, making.kind, twin["id"])

    def remove_all(self, job: Job, making: Making, *, wait: bool = False) -> None:
        """All that were made, also what nobody wrote down; with `wait` they are gone then. Raises
        Unavailable while one is being made: so it cannot be deleted yet."""
        kind, there = making.kind, self._marked(making)
        for each in there:
            now = self._show(job, kind, each["id"])
            if now is not None and now["status"] in UNDER_WAY:
                raise Unavailable(reason=f"{kind.noun.title()} {now['id']} is {now['status']}.")
            self.remove(job, kind, each["id"])
        for each in there if wait else ():
            self._await_gone(job, kind, each["id"])

    def remove(self, job: Job, kind: Kind, thing_id: str) -> None:
        """Delete it. What Cinder refuses (a volume that has snapshots) stays, and is told to
        operators."""
        try:
            self.patiently(lambda: kind.delete(job.ctx, thing_id), f"deleting a {kind.noun}")
        except Problem as problem:
            if problem.code >= 500:
                raise
            if problem.code != 404:
                log.warning("%s %s of server %s stays: %s", kind.noun, thing_id, job.subject,
                            problem)

    def await_made(self, job: Job, kind: Kind, thing_id: str) -> None:
        """Until it is there. Raises NotMade, Cancelled."""
        end = time.monotonic() + self.settings.volume_timeout
        wait = 0.1
        while True:
            check()
            status = str(self.patiently(lambda: kind.show(job.ctx, thing_id),
                                        f"looking at a {kind.noun}")["status"])
            if status not in UNDER_WAY:
                break
            if time.monotonic() > end:
                raise kind.not_made(id=thing_id, status=status)
            self.nova.pause(wait)
            wait = min(wait * 1.5, 2.0)
        if status.startswith(("error", "deleting")):
            raise kind.not_made(id=thing_id, status=status)

    def _await_gone(self, job: Job, kind: Kind, thing_id: str) -> None:
        """Unless Cinder does not delete it. Raises Unavailable: then somebody looks again."""
        end = time.monotonic() + self.settings.volume_timeout
        wait = 0.1
        while (now := self._show(job, kind, thing_id)) is not None:
            if now["status"] != "deleting":
                return
            if time.monotonic() > end:
                raise Unavailable(reason=f"{kind.noun.title()} {thing_id} is being deleted.")
            self.nova.pause(wait)
            wait = min(wait * 1.5, 2.0)

    def _show(self, job: Job, kind: Kind, thing_id: str) -> Document | None:
        """None when it is gone."""
        try:
            return self.patiently(lambda: kind.show(job.ctx, thing_id),
                                  f"looking at a {kind.noun}")
        except Problem as problem:
            if problem.code != 404:
                raise
            return None

    def _marked(self, making: Making) -> list[Document]:
        return self.patiently(making.marked, f"looking for {making.kind.noun}s")
