"""What glance-worker is told."""

from cairn.common.context import Context
from cairn.common.work import Worker
from cairn.glance.core.cache import Cacher


class Manager:
    def __init__(self, worker: Worker, cacher: Cacher) -> None:
        self.worker, self.cacher = worker, cacher

    def ring(self, ctx: Context) -> None:
        self.worker.ring()
        self.cacher.ring()
