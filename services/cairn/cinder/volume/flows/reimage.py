"""reimage: the image is written over it."""

from collections.abc import Mapping

from cairn.cinder.drivers.base import GIB
from cairn.cinder.volume import copying
from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job, check


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"image_copied": Do(self.copy)}

    def copy(self, job: Job) -> Done:
        record, image = job.results["volume_looked_up"]["volume"], job.args["image"]
        with self.fetched(job, image) as path, \
                self.driver(record["host"]).opened(thing(record), write=True) as disk:
            target = copying.unlocked(disk, self.passphrase(job)) if record["encrypted"] else disk
            copying.from_image(path, image["disk_format"], target, record["size"] * GIB, new=False,
                               progress=lambda done: check(),
                               timeout=self.settings.transfer_timeout)
        return None
