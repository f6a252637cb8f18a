"""remove_leftover: what a volume was is removed."""

from collections.abc import Mapping

from cairn.cinder.volume.backends import thing
from cairn.cinder.volume.doer import Doer, Done
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"leftover_removed": Do(self.remove)}

    def remove(self, job: Job) -> Done:
        record = job.args["leftover"]
        driver, leftover = self.driver(record["host"]), thing(record)
        for export in job.args.get("exports", ()):  # Works of the release before have none.
            driver.unexport(leftover, export)
        driver.delete(leftover)
        return None
