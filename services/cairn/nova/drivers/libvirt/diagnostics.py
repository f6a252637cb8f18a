"""What libvirt counts of a guest, as nova's API names it."""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as xml

from cairn.nova.drivers.base import SHOWN_STATES
from cairn.nova.rpc import Spec

# By libvirt's names: see virConnectGetAllDomainStats.
Counters = Mapping[str, Any]


def read(
    counters: Counters, document: str, spec: Spec, kind: str, power_state: int
) -> dict[str, Any]:
    """What a driver's diagnostics() are, of the counters of domainListGetStats and the XML of a
    domain. What is not counted there is None."""
    devices = xml.fromstring(document).find("devices")
    assert devices is not None
    cpus, nics, disks = _cpus(counters), _nics(counters, devices), _disks(counters)
    return {
        "state": SHOWN_STATES[power_state], "driver": "libvirt", "hypervisor": kind,
        "hypervisor_os": "linux", "uptime": None, "config_drive": spec["config_drive"] is not None,
        "num_cpus": len(cpus), "num_nics": len(nics), "num_disks": len(disks),
        "cpu_details": cpus, "nic_details": nics, "disk_details": disks,
        "memory_details": _memory(counters), "memory_stats": _balloon(counters),
    }


def _cpus(counters: Counters) -> list[dict[str, Any]]:
    """A processor that is off counts nothing, and is none of the guest's now."""
    return [{"id": int(number), "time": counters.get(f"vcpu.{number}.time"), "utilisation": None}
            for number in _numbers(counters, "vcpu.maximum")
            if f"vcpu.{number}.state" in counters or f"vcpu.{number}.time" in counters]


def _nics(counters: Counters, devices: xml.Element) -> list[dict[str, Any]]:
    macs = {target.get("dev"): mac.get("address") for nic in devices.findall("interface")
            for target, mac in zip(nic.findall("target"), nic.findall("mac"), strict=False)}
    nics = []
    for number in _numbers(counters, "net.count"):
        name = counters.get(f"net.{number}.name")
        nic = {"name": name, "mac_address": macs.get(name)}
        for way in ("rx", "tx"):
            for ours, theirs in (("octets", "bytes"), ("errors", "errs"), ("drop", "drop"),
                                 ("packets", "pkts")):
                nic[f"{way}_{ours}"] = counters.get(f"net.{number}.{way}.{theirs}")
            nic[f"{way}_rate"] = None
        nics.append(nic)
    return nics


def _disks(counters: Counters) -> list[dict[str, Any]]:
    return [{
        "name": counters.get(f"block.{number}.name"),
        "read_bytes": counters.get(f"block.{number}.rd.bytes"),
        "read_requests": counters.get(f"block.{number}.rd.reqs"),
        "write_bytes": counters.get(f"block.{number}.wr.bytes"),
        "write_requests": counters.get(f"block.{number}.wr.reqs"),
        "errors_count": counters.get(f"block.{number}.errors"),
    } for number in _numbers(counters, "block.count")]


def _memory(counters: Counters) -> dict[str, Any]:
    """In MiB. What is used the guest tells, where it has a balloon's driver; of one that does not,
    it is all that it has."""
    used = counters.get("balloon.current")
    if "balloon.available" in counters and "balloon.unused" in counters:
        used = counters["balloon.available"] - counters["balloon.unused"]
    maximum = counters.get("balloon.maximum")
    return {"maximum": None if maximum is None else maximum >> 10,
            "used": None if used is None else used >> 10}


def _balloon(counters: Counters) -> dict[str, int]:
    """KiB, as the version before 2.48 names them: memory-rss, memory-unused, ..."""
    names = {"current": "actual"}
    return {names.get(name, name): value for key, value in counters.items()
            for group, _, name in [key.partition(".")]
            if group == "balloon" and name != "maximum" and isinstance(value, int)}


def _numbers(counters: Counters, count: str) -> Iterator[str]:
    return map(str, range(int(counters.get(count, 0))))
