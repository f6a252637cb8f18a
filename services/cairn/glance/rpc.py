"""The messages glance's processes accept."""

from cairn.common.context import Context
from cairn.common.rpc import Stub


class Worker(Stub):
    topic = "glance.worker"

    def ring(self, ctx: Context) -> None:
        """There may be work."""
        self.cast(ctx, "ring")
