"""backup_create: what the volume holds comes to where backups are kept."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cairn.cinder.drivers.base import Volume, room
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.doer import Doer
from cairn.cinder.volume.doer import snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job

log = logging.getLogger(__name__)
Done = dict[str, Any] | None


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "source_frozen": Do(self.freeze, self.thaw),
            "chunks_stored": Do(self.store, self.remove),
            "source_thawed": Do(self.finish),
        }

    def freeze(self, job: Job) -> Done:
        """Of a volume that somebody writes to a clone, which has the backup's name."""
        self.check_target(job)
        looked = _looked_up(job)
        if not looked["clone"]:
            return None
        source = thing(looked["volume"])
        driver = self.backends.driver(looked["volume"]["host"])
        return {"provider": driver.clone(_clone(job), source)}

    def store(self, job: Job) -> Done:
        looked = _looked_up(job)
        driver = self.backends.driver(looked["volume"]["host"])
        source: Any = thing(looked["volume"])
        size = room(source)
        if looked["snapshot"] is not None:
            source = snapshot_thing(looked["snapshot"])
            size = room(replace(source.volume, size=source.size))
        elif looked["clone"]:
            source = replace(_clone(job), provider=job.results["source_frozen"]["provider"])
        kept, parent = self.kept(job), looked["parent"]
        # An earlier life may have stored some of it.
        self.target.remove(kept)
        with driver.opened(source) as disk:
            made = chunks.store(self.target, disk, size, kept,
                                replace(kept, id=parent) if parent else None)
        log.info("backup %s: %d chunks, %d bytes", kept.id, made["objects"], made["stored"])
        return made

    def remove(self, job: Job) -> None:
        self.target.remove(self.kept(job))

    def thaw(self, job: Job) -> None:
        looked = _looked_up(job)
        if looked["clone"]:
            self.backends.driver(looked["volume"]["host"]).delete(_clone(job))

    def finish(self, job: Job) -> Done:
        self.thaw(job)
        return None


def _looked_up(job: Job) -> dict[str, Any]:
    """What the scheduler said, also after it was undone there."""
    said: dict[str, Any] = job.results.get("backup_looked_up") or job.args["backup_looked_up"]
    return said


def _clone(job: Job) -> Volume:
    return replace(thing(_looked_up(job)["volume"]), id=job.args["resource_id"],
                   provider={})
