"""What the host is, as libvirt and the file system tell it."""

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

from cairn.nova.drivers.uptime import uptime
from cairn.nova.rpc import HostReport
from cairn.nova.settings import ComputeSettings

TRAITS = ["COMPUTE_NODE", "COMPUTE_NET_ATTACH_INTERFACE", "COMPUTE_NET_VIF_MODEL_VIRTIO",
          "COMPUTE_STORAGE_BUS_VIRTIO", "COMPUTE_GRAPHICS_MODEL_VGA", "COMPUTE_IMAGE_TYPE_QCOW2",
          "COMPUTE_IMAGE_TYPE_RAW", "COMPUTE_IMAGE_TYPE_ISO", "COMPUTE_IMAGE_TYPE_VMDK"]


def report(
    libvirt: Any, settings: ComputeSettings, folder: Path, host: str, kind: str
) -> HostReport:
    _, _, vcpus, _, nodes, sockets, cores, threads = libvirt.getInfo()
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    space = os.statvfs(folder)
    disk_gb = space.f_blocks * space.f_frsize >> 30
    free_gb = space.f_bavail * space.f_frsize >> 30
    running = [domain.info() for domain in libvirt.listAllDomains(1)]
    return HostReport(
        hypervisor_hostname=host, hypervisor_type=kind.upper(),
        hypervisor_version=libvirt.getVersion(), host_ip=settings.address, vcpus=vcpus,
        memory_mb=memory_mb, disk_gb=disk_gb, vcpus_used=sum(info[3] for info in running),
        memory_mb_used=sum(info[1] >> 10 for info in running) + settings.reserved_memory_mb,
        disk_gb_used=disk_gb - free_gb, disk_available_least=free_gb, running_vms=len(running),
        reserved_vcpus=settings.reserved_vcpus, reserved_memory_mb=settings.reserved_memory_mb,
        reserved_disk_gb=settings.reserved_disk_gb,
        cpu_allocation_ratio=settings.cpu_allocation_ratio,
        ram_allocation_ratio=settings.ram_allocation_ratio,
        disk_allocation_ratio=settings.disk_allocation_ratio,
        cpu_info=_cpu(libvirt, {"sockets": sockets * nodes, "cores": cores, "threads": threads}),
        traits=TRAITS, supported_instances=[["x86_64", kind, "hvm"]], uptime=uptime(),
    )


def _cpu(libvirt: Any, topology: dict[str, int]) -> dict[str, Any]:
    cpu = xml.fromstring(libvirt.getCapabilities()).find("host/cpu")
    if cpu is None:
        return {"arch": "x86_64", "model": "", "vendor": "", "topology": topology, "features": []}
    return {
        "arch": cpu.findtext("arch") or "x86_64", "model": cpu.findtext("model") or "",
        "vendor": cpu.findtext("vendor") or "", "topology": topology,
        "features": sorted(f.get("name", "") for f in cpu.findall("feature")),
    }
