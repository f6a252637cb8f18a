"""remove_leftover: the key of what is gone opens nothing."""

from collections.abc import Mapping

from sqlalchemy import delete

from cairn.cinder.db.models import EncryptionKey
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {"key_forgotten": step(self.forget)}

    def forget(self, job: Job) -> None:
        if job.args["old_key"] is not None:
            with self.cinder.db.writing() as session:
                session.execute(
                    delete(EncryptionKey).where(EncryptionKey.id == job.args["old_key"]))
