"""Ports of a server that go when it goes."""

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.core import network, vifs


class DeletesPorts(Doer):
    def delete_ports(self, job: Job) -> None:
        """Those that were the user's own are only let go."""
        row = self.row_or_none(job)
        if row is None:
            return
        kept = {r["port_id"] for r in row.requested_networks if r["port_id"]}
        kept |= {vif["id"] for vif in row.vifs if vif["preserve"]}
        self.patiently(lambda: network.remove_ports(self.nova, job.ctx, row.id, kept),
                       "deleting ports")
        if not row.deleted:
            vifs.change(self.nova.db, row.id, lambda kept: [])
