"""shelve: off, then its disk is sent to Glance."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.compute.doer import Done
from cairn.nova.compute.snapshots import Snapshots


class Steps(Snapshots):
    TAKING, SENDING = "shelving_image_pending_upload", "shelving_image_uploading"

    def steps(self) -> Mapping[str, Do]:
        return {
            "domain_stopped": Do(self.stop, self.start_again),
            "snapshot_taken": Do(self.take, self.forget),
            "snapshot_uploaded": Do(self.upload),
            "snapshot_removed": Do(self.forget),
        }

    def stop(self, job: Job) -> Done:
        spec = self.spec(job)
        # One that does not run hears of no button.
        patience = self.patience(spec) if spec["vm_state"] == "active" else 0
        self.driver.stop(spec, timeout=patience)
        return {"power_state": self.driver.power_state(spec)}

    def start_again(self, job: Job) -> None:
        """What was only in its memory is lost: one that was paused stays off."""
        spec = self.opened(job)
        if spec["task_state"] in ("deleting", "soft-deleting"):
            return
        if spec["vm_state"] == "active":
            self.driver.start(spec)
        self.conductor.server_changed(
            job.ctx, server_id=job.subject, task_state=spec["task_state"],
            power_state=self.driver.power_state(spec),
            vm_state="stopped" if spec["vm_state"] == "paused" else None)
