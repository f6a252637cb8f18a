"""migrate: the other pool's part."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from cairn.cinder.drivers.base import GIB, Disk, room
from cairn.cinder.rpc import VolumeRecord
from cairn.cinder.volume import copying, foreign
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done, cipher_of
from cairn.common.flows import Do
from cairn.common.work import Job, check


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "target_made": Do(self.make, self.remove),
            "bytes_copied": Do(self.copy),
        }

    def make(self, job: Job) -> Done:
        """A guest that copies itself needs a container that it can open; else it is copied."""
        chosen = job.results["target_chosen"]
        target: VolumeRecord = chosen["target"]
        driver = self.driver(target["host"])
        provider = driver.create(thing(target))
        if chosen["attached"] and target["encrypted"]:
            with driver.opened(replace(thing(target), provider=provider), write=True) as disk:
                copying.lock(disk, self._passphrase(job, target), cipher_of(target))
        return {"provider": provider}

    def remove(self, job: Job) -> None:
        """Unless the guest is there by now."""
        if "moved" not in job.args:
            target: VolumeRecord = self.kept(job, "target_chosen")["target"]
            self.driver(target["host"]).delete(thing(target))

    def copy(self, job: Job) -> Done:
        """The container as it is where both have the same key, else what is inside of it."""
        chosen = job.results["target_chosen"]
        if chosen["attached"]:
            return None
        source: VolumeRecord = chosen["volume"]
        target: VolumeRecord = chosen["target"]
        to = replace(thing(target), provider=job.results["target_made"]["provider"])
        with self._source(job, source) as read, \
                self.driver(target["host"]).opened(to, write=True) as write:
            size = source["size"] * GIB
            if chosen["same_key"]:
                size = room(thing(source))
            else:
                if target["encrypted"]:
                    passphrase = self._passphrase(job, target)
                    copying.lock(write, passphrase, cipher_of(target))
                    write = copying.unlocked(write, passphrase)
                read = self._payload(job, source, read)
            # A try before this one may have written something.
            new = job.attempts == 1 and not target["encrypted"]
            copying.copy(read, write, size, new=new, progress=lambda done: check(),
                         timeout=self.settings.transfer_timeout)
        return None

    def _source(self, job: Job, source: VolumeRecord) -> AbstractContextManager[Disk]:
        """Of this host, or as its own host exports it."""
        connection = job.results["source_exported"]["connection"]
        if connection is None:
            return self.driver(source["host"]).opened(thing(source))
        return foreign.opened(connection, self.backends)

    def _payload(self, job: Job, source: VolumeRecord, disk: Disk) -> Disk:
        if not source["encrypted"]:
            return disk
        return copying.unlocked(disk, self.passphrase(job))

    def _passphrase(self, job: Job, target: VolumeRecord) -> str:
        return self.scheduler.passphrase(job.ctx, volume_id=target["id"])
