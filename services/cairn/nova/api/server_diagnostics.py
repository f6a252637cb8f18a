"""/servers/{id}/diagnostics"""

import datetime as dt
from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Unavailable
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.errors import HostDown, NotOnAHost
from cairn.nova.policy import RULES

api = Api(RULES)

# What the documents of 2.48 have; hosts tell more, for those of before.
_WHOLE = ("state", "driver", "hypervisor", "hypervisor_os", "config_drive", "num_cpus", "num_nics",
          "num_disks", "cpu_details", "memory_details")
# Keys of a device of before 2.48, after its name, and those of 2.48.
_NIC = {"rx": "rx_octets", "rx_drop": "rx_drop", "rx_errors": "rx_errors",
        "rx_packets": "rx_packets", "tx": "tx_octets", "tx_drop": "tx_drop",
        "tx_errors": "tx_errors", "tx_packets": "tx_packets"}
_DISK = {"read": "read_bytes", "read_req": "read_requests", "write": "write_bytes",
         "write_req": "write_requests", "errors": "errors_count"}


@api.get("/servers/<server_id>/diagnostics", policy="os_compute_api:os-server-diagnostics")
def show(nova: Nova, ctx: Context, server_id: str) -> Document:
    """What the hypervisor counts of a server that runs."""
    row = servers.get(nova, ctx, server_id)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    try:
        told = nova.compute.diagnostics(ctx, host=row.host, server_id=row.id)
    except Unavailable:
        raise HostDown(host=row.host, action="diagnostics") from None
    return _named(told, row.launched_at) if ctx.version >= (2, 48) else _flat(told)


def _named(told: Document, launched_at: dt.datetime | None) -> Document:
    """Since 2.48: the same for all hypervisors."""
    uptime = None if launched_at is None else int((utcnow() - launched_at).total_seconds())
    return {name: told[name] for name in _WHOLE} | {
        "uptime": uptime, "nic_details": [_unnamed(nic) for nic in told["nic_details"]],
        "disk_details": [_unnamed(disk) for disk in told["disk_details"]]}


def _unnamed(device: Document) -> Document:
    return {key: value for key, value in device.items() if key != "name"}


def _flat(told: Document) -> Document:
    """Before 2.48: a counter each, by the device's name on its host; -1 for what nobody counts.
    Times are in nanoseconds, memory is in KiB."""
    shown: dict[str, Any] = {
        f"cpu{cpu['id']}_time": cpu["time"] for cpu in told["cpu_details"]
        if cpu["time"] is not None}
    maximum = told["memory_details"]["maximum"]
    if maximum is not None:
        shown["memory"] = maximum << 10
    shown |= {f"memory-{name}": value for name, value in told.get("memory_stats", {}).items()}
    for devices, names in (("disk_details", _DISK), ("nic_details", _NIC)):
        for device in told[devices]:
            for name, key in names.items():
                value = device[key]
                shown[f"{device['name']}_{name}"] = -1 if value is None else value
    return shown
