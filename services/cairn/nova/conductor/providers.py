"""Hypervisors as placement's resource providers."""

import threading
import time
from typing import Any

from sqlalchemy import update

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.db.models import Hypervisor
from cairn.nova.rpc import HostReport

VERSION = "1.36"
FRESH = 600.0  # Seconds that placement is trusted to still have what it was told.


class Providers:
    """Keeps placement saying what hosts report; silent while nothing changed."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self._told: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def report(self, ctx: Context, host: str, report: HostReport) -> str:
        """Keep the report and tell placement; the hypervisor's id."""
        with self.nova.db.writing() as session:
            provider = hosts.report(session, host, dict(report))
        said = (inventories(report), sorted(report["traits"]))
        with self._lock:
            told = self._told.get(provider)
        if told is not None and told[1] == said and time.monotonic() - told[0] < FRESH:
            return provider
        provider = self._tell(ctx, host, provider, report["hypervisor_hostname"], *said)
        with self._lock:
            self._told[provider] = (time.monotonic(), said)
        return provider

    def _tell(
        self, ctx: Context, host: str, provider: str, name: str, inventory: dict[str, Any],
        traits: list[str],
    ) -> str:
        cloud = self.nova.cloud
        try:
            found = cloud.get("placement", f"/resource_providers/{provider}", ctx=ctx,
                              version=VERSION).json()
        except Problem as problem:
            if problem.code != 404:
                raise
            found = self._make(ctx, host, provider, name)
        provider = found["uuid"]
        path = f"/resource_providers/{provider}"
        have = cloud.get("placement", f"{path}/inventories", ctx=ctx, version=VERSION).json()
        if have["inventories"] != inventory:
            have = cloud.put("placement", f"{path}/inventories", ctx=ctx, version=VERSION, json={
                "resource_provider_generation": have["resource_provider_generation"],
                "inventories": inventory}).json()
        mine = cloud.get("placement", f"{path}/traits", ctx=ctx, version=VERSION).json()
        if sorted(mine["traits"]) != traits:
            self._know(ctx, traits)
            cloud.put("placement", f"{path}/traits", ctx=ctx, version=VERSION, json={
                "resource_provider_generation": mine["resource_provider_generation"],
                "traits": traits})
        return str(provider)

    def _make(self, ctx: Context, host: str, provider: str, name: str) -> dict[str, Any]:
        """A new provider; or the one of that name, from a life of ours that we forgot."""
        cloud = self.nova.cloud
        try:
            made = cloud.post("placement", "/resource_providers", ctx=ctx, version=VERSION,
                              json={"uuid": provider, "name": name})
            return made.json()  # type: ignore[no-any-return]
        except Problem as problem:
            if problem.code != 409:
                raise
        found = cloud.get("placement", f"/resource_providers?name={name}", ctx=ctx,
                          version=VERSION).json()["resource_providers"][0]
        with self.nova.db.writing() as session:
            session.execute(update(Hypervisor).where(Hypervisor.host == host)
                            .values(id=found["uuid"]))
        return found  # type: ignore[no-any-return]

    def _know(self, ctx: Context, traits: list[str]) -> None:
        """Traits of our own must be made before they can be said of anybody."""
        for trait in traits:
            if trait.startswith("CUSTOM_"):
                self.nova.cloud.put("placement", f"/traits/{trait}", ctx=ctx, version=VERSION)


def inventories(report: HostReport) -> dict[str, Any]:
    def of(total: int, reserved: int, ratio: float) -> dict[str, Any]:
        return {"total": total, "reserved": min(reserved, total), "min_unit": 1,
                "max_unit": total, "step_size": 1, "allocation_ratio": ratio}

    found = {}
    for name, total, reserved, ratio in (
        ("VCPU", report["vcpus"], report["reserved_vcpus"], report["cpu_allocation_ratio"]),
        ("MEMORY_MB", report["memory_mb"], report["reserved_memory_mb"],
         report["ram_allocation_ratio"]),
        ("DISK_GB", report["disk_gb"], report["reserved_disk_gb"],
         report["disk_allocation_ratio"]),
    ):
        if total > 0:
            found[name] = of(total, reserved, ratio)
    return found
