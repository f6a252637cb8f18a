"""A hypervisor that only remembers: for tests, and for thousands of hosts in one process."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

from cairn.nova.drivers.base import (
    NOSTATE,
    PAUSED,
    RUNNING,
    SHOWN_STATES,
    SHUTDOWN,
    SUSPENDED,
    connected,
)
from cairn.nova.errors import AgentSilent, HypervisorFailed, ServerNotReady
from cairn.nova.rpc import BlockDevice, HostReport, Image, Spec, Vif
from cairn.nova.settings import ComputeSettings


class FakeDriver:
    def __init__(
        self, settings: ComputeSettings, host: str, *, vcpus: int = 64, memory_mb: int = 262144,
        disk_gb: int = 4096,
    ) -> None:
        self.settings, self.host = settings, host
        self.size = (vcpus, memory_mb, disk_gb)
        self._lock = threading.Lock()
        # Server id -> power state, of those that have disks.
        self.domains: dict[str, int] = {}
        self.disks: set[str] = set()
        self.vifs: dict[str, set[str]] = {}
        # Server id -> device's name -> (volume's id, what opened it, if anything had to).
        self.volumes: dict[str, dict[str, tuple[str, str | None]]] = {}
        self.sizes: dict[str, int] = {}
        # Servers that moved away, or were resized, whose disks are kept.
        self.aside: set[str] = set()
        # Server id -> what it is rescued from.
        self.rescued: dict[str, str] = {}
        # Server id -> (user, password) that its guest was told; those without an agent are told no
        # such thing. And those that were interrupted, as often as they were.
        self.passwords: dict[str, tuple[str, str]] = {}
        self.silent: set[str] = set()
        self.interrupted: list[str] = []
        # Ids of volumes that nobody serves now.
        self.away: set[str] = set()
        # Server id -> the end of its serial line that the guest has.
        self.lines: dict[str, socket.socket] = {}

    def report(self) -> HostReport:
        vcpus, memory_mb, disk_gb = self.size
        own = self.settings
        return HostReport(
            hypervisor_hostname=self.host, hypervisor_type="fake", hypervisor_version=1000000,
            host_ip=own.address, vcpus=vcpus, memory_mb=memory_mb, disk_gb=disk_gb, vcpus_used=0,
            memory_mb_used=0, disk_gb_used=0, disk_available_least=disk_gb,
            running_vms=len(self.domains), reserved_vcpus=own.reserved_vcpus,
            reserved_memory_mb=own.reserved_memory_mb, reserved_disk_gb=own.reserved_disk_gb,
            cpu_allocation_ratio=own.cpu_allocation_ratio,
            ram_allocation_ratio=own.ram_allocation_ratio,
            disk_allocation_ratio=own.disk_allocation_ratio,
            cpu_info={"arch": "x86_64", "model": "fake", "vendor": "fake", "features": [],
                      "topology": {"cores": 1, "threads": 1, "sockets": vcpus}},
            traits=["COMPUTE_NODE"], supported_instances=[["x86_64", "fake", "hvm"]],
            uptime="fake",
        )

    def prepare(self, spec: Spec) -> None:
        with self._lock:
            self.disks.add(spec["id"])

    def start(self, spec: Spec) -> None:
        with self._lock:
            if spec["id"] not in self.disks:
                raise RuntimeError(f"{spec['id']} has no disks")
            self.volumes[spec["id"]] = {
                str(device["device"]): self._open(device) for device in connected(spec)}
            self.domains[spec["id"]] = RUNNING
            self.vifs[spec["id"]] = {vif["id"] for vif in spec["vifs"]}

    def stop(self, spec: Spec, *, timeout: float) -> None:
        with self._lock:
            if spec["id"] in self.domains:
                self.domains[spec["id"]] = SHUTDOWN

    def reboot(self, spec: Spec, *, timeout: float) -> None:
        self.start(spec)

    def pause(self, spec: Spec) -> None:
        self._go_over(spec, PAUSED, {RUNNING})

    def unpause(self, spec: Spec) -> None:
        self._go_over(spec, RUNNING, {PAUSED})

    def suspend(self, spec: Spec) -> None:
        self._go_over(spec, SUSPENDED, {RUNNING})

    def resume(self, spec: Spec) -> None:
        self._go_over(spec, RUNNING, {SUSPENDED, SHUTDOWN})

    def _go_over(self, spec: Spec, state: int, before: set[int]) -> None:
        with self._lock:
            now = self.domains.get(spec["id"], NOSTATE)
            if now != state and now not in before:
                raise HypervisorFailed(reason=f"{spec['id']} is {now}")
            self.domains[spec["id"]] = state

    def rescue(self, spec: Spec, image: Image) -> None:
        self.start(spec)
        with self._lock:
            self.rescued[spec["id"]] = image["id"]

    def unrescue(self, spec: Spec) -> None:
        with self._lock:
            self.rescued.pop(spec["id"], None)
            if spec["id"] in self.domains:
                self.domains[spec["id"]] = SHUTDOWN

    def set_aside(self, spec: Spec) -> None:
        with self._lock:
            if spec["id"] in self.disks:
                self.disks.discard(spec["id"])
                self.aside.add(spec["id"])
        self.destroy(spec)

    def put_back(self, spec: Spec) -> None:
        with self._lock:
            if spec["id"] in self.aside:
                self.aside.discard(spec["id"])
                self.disks.add(spec["id"])
                self.domains[spec["id"]] = SHUTDOWN

    def forget_aside(self, spec: Spec) -> None:
        with self._lock:
            self.aside.discard(spec["id"])

    def receive(self, spec: Spec, address: str | None) -> None:
        with self._lock:
            self.disks.add(spec["id"])
            self.domains[spec["id"]] = SHUTDOWN

    def snapshot(self, spec: Spec, path: Path) -> None:
        with self._lock:
            if spec["id"] not in self.disks:
                raise RuntimeError(f"{spec['id']} has no disks")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(spec["id"].encode())

    def destroy(self, spec: Spec) -> None:
        with self._lock:
            self.domains.pop(spec["id"], None)
            self.vifs.pop(spec["id"], None)
            self.volumes.pop(spec["id"], None)
            self.rescued.pop(spec["id"], None)
            self.disks.discard(spec["id"])

    def plug(self, spec: Spec, vif: Vif) -> None:
        with self._lock:
            self.vifs.setdefault(spec["id"], set()).add(vif["id"])

    def unplug(self, spec: Spec, vif: Vif) -> None:
        with self._lock:
            self.vifs.get(spec["id"], set()).discard(vif["id"])

    def attach(self, spec: Spec, device: BlockDevice) -> None:
        with self._lock:
            self.volumes.setdefault(spec["id"], {})[str(device["device"])] = self._open(device)

    def detach(self, spec: Spec, device: BlockDevice) -> None:
        with self._lock:
            self.volumes.get(spec["id"], {}).pop(str(device["device"]), None)

    def swap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> None:
        with self._lock:
            self.volumes[spec["id"]][str(old["device"])] = self._open(new)

    def unswap(self, spec: Spec, old: BlockDevice, new: BlockDevice) -> bool:
        with self._lock:
            volumes = self.volumes.get(spec["id"], {})
            return volumes.get(str(old["device"]), ("",))[0] == new["volume_id"]

    def resize(self, spec: Spec, device: BlockDevice, size: int) -> None:
        self.sizes[str(device["volume_id"])] = size

    def _open(self, device: BlockDevice) -> tuple[str, str | None]:
        if device["volume_id"] in self.away:
            raise HypervisorFailed(reason=f"volume {device['volume_id']}: connection refused")
        if device["connection"] is None:
            raise RuntimeError(f"nobody said where volume {device['volume_id']} is")
        if device.get("encrypted") and not device.get("passphrase"):
            raise RuntimeError(f"nobody said what opens volume {device['volume_id']}")
        return str(device["volume_id"]), device.get("passphrase")

    def set_password(self, spec: Spec, user: str, password: str) -> None:
        if spec["id"] in self.silent:
            raise AgentSilent
        self.passwords[spec["id"]] = (user, password)

    def interrupt(self, spec: Spec) -> None:
        if spec["id"] not in self.domains:
            raise HypervisorFailed(reason=f"there is no domain of server {spec['id']}")
        self.interrupted.append(spec["id"])

    def power_state(self, spec: Spec) -> int:
        return self.domains.get(spec["id"], NOSTATE)

    def power_states(self) -> dict[str, int]:
        with self._lock:
            return dict(self.domains)

    def volumes_of(self, server_id: str, spec: Spec | None) -> list[str]:
        with self._lock:
            return sorted(volume for volume, _ in self.volumes.get(server_id, {}).values())

    def console(self, server_id: str, console_type: str) -> socket.socket:
        """A guest that says back what it hears, after the greeting of its kind."""
        if self.domains.get(server_id) != RUNNING:
            raise ServerNotReady(id=server_id)
        theirs, ours = socket.socketpair()
        if console_type == "serial":
            with self._lock:
                before, self.lines[server_id] = self.lines.get(server_id), ours
            if before is not None:
                with contextlib.suppress(OSError):  # Its viewer has gone.
                    before.shutdown(socket.SHUT_RDWR)
        ours.sendall(b"login: " if console_type == "serial" else b"RFB 003.008\n")
        threading.Thread(target=_echo, args=(ours,), daemon=True).start()
        return theirs

    def console_output(self, spec: Spec, length: int | None) -> str:
        lines = [f"{spec['hostname']} booted", f"{spec['hostname']} login:"]
        kept = lines if length is None else lines[max(0, len(lines) - length):]
        return "".join(f"{line}\n" for line in kept)

    def diagnostics(self, spec: Spec) -> dict[str, Any]:
        flavor, vifs = spec["flavor"], [vif for vif in spec["vifs"]
                                        if vif["id"] in self.vifs.get(spec["id"], ())]
        names = ["vda", *(name.rpartition("/")[2] for name in self.volumes.get(spec["id"], ()))]
        return {
            "state": SHOWN_STATES[self.power_state(spec)], "driver": "libvirt",
            "hypervisor": "fake", "hypervisor_os": "linux", "uptime": None,
            "config_drive": spec["config_drive"] is not None, "num_cpus": flavor["vcpus"],
            "num_nics": len(vifs), "num_disks": len(names),
            "cpu_details": [{"id": number, "time": 1000000000, "utilisation": None}
                            for number in range(flavor["vcpus"])],
            "nic_details": [
                {"name": vif["device"], "mac_address": vif["mac"]}
                | {f"{way}_{what}": 0 for way in ("rx", "tx")
                   for what in ("octets", "errors", "drop", "packets")}
                | {"rx_rate": None, "tx_rate": None} for vif in vifs],
            "disk_details": [
                {"name": name, "read_bytes": 512, "read_requests": 1, "write_bytes": 0,
                 "write_requests": 0, "errors_count": None} for name in names],
            "memory_details": {"maximum": flavor["ram"], "used": flavor["ram"]},
            "memory_stats": {"actual": flavor["ram"] << 10},
        }


def _echo(plug: socket.socket) -> None:
    with plug, contextlib.suppress(OSError):
        while data := plug.recv(4096):
            plug.sendall(data)
