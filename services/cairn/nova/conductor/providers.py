"""Hypervisors as placement's resource providers."""

import threading
import time
from typing import Any

from sqlalchemy import update

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.db.models import Hypervisor
from cairn.nova.rpc import HostReport

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
        placement = self.nova.cloud.placement
        try:
            existing = placement.show_provider(ctx, provider)
        except Problem as problem:
            if problem.code != 404:
                raise
            existing = self._make(ctx, host, provider, name)
        provider = str(existing["uuid"])
        have = placement.show_inventories(ctx, provider)
        if have["inventories"] != inventory:
            placement.put_inventories(ctx, provider, have["resource_provider_generation"],
                                      inventory)
        mine = placement.show_traits(ctx, provider)
        if sorted(mine["traits"]) != traits:
            for trait in traits:
                # Traits of our own must be made before they can be said of anybody.
                if trait.startswith("CUSTOM_"):
                    placement.create_trait(ctx, trait)
            placement.put_traits(ctx, provider, mine["resource_provider_generation"], traits)
        return provider

    def _make(self, ctx: Context, host: str, provider: str, name: str) -> Document:
        """A new provider; or the one of that name, from a life of ours that we forgot."""
        placement = self.nova.cloud.placement
        try:
            return placement.create_provider(ctx, provider, name)
        except Problem as problem:
            if problem.code != 409:
                raise
            existing = placement.find_provider(ctx, name)
            if existing is None:
                raise
        with self.nova.db.writing() as session:
            session.execute(update(Hypervisor).where(Hypervisor.host == host)
                            .values(id=existing["uuid"]))
        return existing


def inventories(report: HostReport) -> dict[str, Any]:
    def of(total: int, reserved: int, ratio: float) -> dict[str, Any]:
        return {"total": total, "reserved": min(reserved, total), "min_unit": 1,
                "max_unit": total, "step_size": 1, "allocation_ratio": ratio}

    records = {}
    for name, total, reserved, ratio in (
        ("VCPU", report["vcpus"], report["reserved_vcpus"], report["cpu_allocation_ratio"]),
        ("MEMORY_MB", report["memory_mb"], report["reserved_memory_mb"],
         report["ram_allocation_ratio"]),
        ("DISK_GB", report["disk_gb"], report["reserved_disk_gb"],
         report["disk_allocation_ratio"]),
    ):
        if total > 0:
            records[name] = of(total, reserved, ratio)
    return records
