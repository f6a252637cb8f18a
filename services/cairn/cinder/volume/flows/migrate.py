"""migrate: the other pool's part."""

from collections.abc import Mapping
from dataclasses import replace

from cairn.cinder.drivers.base import GIB, Disk, room
from cairn.cinder.rpc import VolumeRecord
from cairn.cinder.volume import copying
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
        target: VolumeRecord = job.results["target_chosen"]["target"]
        return {"provider": self.driver(target["host"]).create(thing(target))}

    def remove(self, job: Job) -> None:
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
        with self.driver(source["host"]).opened(thing(source)) as read, \
                self.driver(target["host"]).opened(to, write=True) as write:
            size = source["size"] * GIB
            if chosen["same_key"]:
                size = room(thing(source))
            else:
                if target["encrypted"]:
                    passphrase = self.scheduler.passphrase(job.ctx, volume_id=target["id"])
                    copying.lock(write, passphrase, cipher_of(target))
                    write = copying.unlocked(write, passphrase)
                read = self._payload(job, source, read)
            # A try before this one may have written something.
            new = job.attempts == 1 and not target["encrypted"]
            copying.copy(read, write, size, new=new, progress=lambda done: check(),
                         timeout=self.settings.transfer_timeout)
        return None

    def _payload(self, job: Job, source: VolumeRecord, disk: Disk) -> Disk:
        if not source["encrypted"]:
            return disk
        return copying.unlocked(disk, self.passphrase(job))
