"""The ledger of a process without a database. Apart from ledger.py so that an agent does not carry
SQLAlchemy, which takes more memory than all of ours.
"""

from typing import Any

from cairn.common.context import Context
from cairn.common.rpc import Stub
from cairn.common.work import Cancelled, Job, Lost


class LedgerStub(Stub):
    """The ledger of a process without a database: its conductor's. A subclass sets the topic."""

    def work_take(self, ctx: Context, *, runner: str, owner: str, fresh: bool) -> Any:
        return self.call(ctx, "work_take", runner=runner, owner=owner, fresh=fresh)

    def work_change(
        self, ctx: Context, *, change: str, job: dict[str, Any], args: list[Any]
    ) -> str | None:
        return self.call(  # type: ignore[no-any-return]
            ctx, "work_change", change=change, job=job, args=args
        )

    def work_renew(self, ctx: Context, *, jobs: list[dict[str, Any]]) -> dict[str, str]:
        return self.call(ctx, "work_renew", jobs=jobs)  # type: ignore[no-any-return]


class RemoteLedger:
    """work.Ledger through a conductor."""

    def __init__(self, stub: LedgerStub) -> None:
        self.stub = stub

    def take(self, runner: str, lease_holder: str, fresh: bool) -> Job | None:
        wire = self.stub.work_take(Context(), runner=runner, owner=lease_holder, fresh=fresh)
        return Job.from_wire(wire) if wire is not None else None

    def renew(self, jobs: list[Job]) -> dict[str, str]:
        return self.stub.work_renew(Context(), jobs=[_slim(job) for job in jobs])

    def begin(self, job: Job, step: str) -> None:
        self._change("begin", job, step)

    def finish(self, job: Job, step: str, result: dict[str, Any] | None) -> None:
        self._change("finish", job, step, result)

    def advance(
        self, job: Job, step: str, result: dict[str, Any] | None, following: str
    ) -> None:
        self._change("advance", job, step, result, following)

    def fail(self, job: Job, step: str | None, error: str) -> None:
        self._change("fail", job, step, error)

    def undone(self, job: Job, step: str) -> None:
        self._change("undone", job, step)

    def hand(self, job: Job, runner: str) -> None:
        self._change("hand", job, runner)

    def close(self, job: Job) -> None:
        self._change("close", job)

    def postpone(self, job: Job, seconds: float) -> None:
        self._change("postpone", job, seconds)

    def _change(self, change: str, job: Job, *args: Any) -> None:
        outcome = self.stub.work_change(job.ctx, change=change, job=_slim(job), args=list(args))
        if outcome == "lost":
            raise Lost
        if outcome == "cancelled":
            raise Cancelled


def _slim(job: Job) -> dict[str, Any]:
    """The job without what its results hold: the ledger has them."""
    return job.to_wire() | {"results": {}, "args": {}}
