"""create: the volume is made on its backend."""

from collections.abc import Mapping
from dataclasses import replace

from cairn.cinder.drivers.base import GIB, room
from cairn.cinder.volume import copying
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done, cipher_of, snapshot_thing
from cairn.common.flows import Do
from cairn.common.work import Job, check


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_made": Do(self.make, self.remove),
            "image_copied": Do(self.copy_image),
        }

    def make(self, job: Job) -> Done:
        chosen = job.results["backend_selected"]
        record, image = chosen["volume"], chosen["image"]
        driver, volume = self.driver(record["host"]), thing(record)
        if "source" in chosen:
            return {"provider": driver.clone(volume, thing(chosen["source"]))}
        if "snapshot" in chosen:
            return {"provider": driver.clone_snapshot(volume, snapshot_thing(chosen["snapshot"]))}
        if image is not None and image["disk_format"] == "raw" and not volume.encrypted:
            provider = driver.clone_image(volume, image["locations"])
            if provider is not None:
                return {"provider": provider, "image_cloned": True}
        provider = driver.create(volume)
        if volume.encrypted and not (image is not None and image.get("sealed")):
            with driver.opened(replace(volume, provider=provider), write=True) as disk:
                copying.lock(disk, self.passphrase(job), cipher_of(record))
        return {"provider": provider}

    def copy_image(self, job: Job) -> Done:
        """Fetched, looked at, and written; another try begins with nothing of it."""
        chosen, made = job.results["backend_selected"], job.results["volume_made"]
        if chosen["image"] is None or made.get("image_cloned"):
            return None
        record, image = chosen["volume"], chosen["image"]
        volume = replace(thing(record), provider=made["provider"])
        with self.fetched(job, image) as path, \
                self.driver(record["host"]).opened(volume, write=True) as disk:
            if image.get("sealed"):
                copying.from_container(path, disk, room(volume), progress=lambda done: check(),
                                       timeout=self.settings.transfer_timeout)
                return None
            target = copying.unlocked(disk, self.passphrase(job)) if volume.encrypted else disk
            # A try before this one may have written something.
            new = job.attempts == 1 and not volume.encrypted
            copying.from_image(path, image["disk_format"], target, record["size"] * GIB, new=new,
                               progress=lambda done: check(),
                               timeout=self.settings.transfer_timeout)
        return None

    def remove(self, job: Job) -> None:
        record = self.kept(job, "backend_selected")["volume"]
        self.driver(record["host"]).delete(thing(record))
