"""What cinder-volume answers at once; everything longer is a work (flows/)."""

from dataclasses import asdict
from typing import Any

from cairn.cinder.drivers.base import Connector
from cairn.cinder.rpc import Inventory, Storeroom, VolumeRecord
from cairn.cinder.volume import inventory, log_levels
from cairn.cinder.volume.backends import Backends, thing
from cairn.cinder.volume.inventory import Keeper
from cairn.common.context import Context
from cairn.common.work import Worker


class Manager:
    def __init__(self, backends: Backends, keeper: Keeper, *workers: Worker) -> None:
        self.backends, self.keeper, self.workers = backends, keeper, workers

    def ring(self, ctx: Context) -> None:
        for worker in self.workers:
            worker.ring()

    def export(
        self, ctx: Context, volume: VolumeRecord, attachment_id: str, connector: dict[str, Any]
    ) -> dict[str, Any]:
        asked = Connector(
            host=str(connector.get("host", "")), ip=str(connector.get("ip", "")),
            initiator=str(connector.get("initiator", "")),
            multipath=bool(connector.get("multipath")),
            read_only=bool(connector.get("read_only")))
        return self.backends.driver(volume["host"]).export(thing(volume), attachment_id, asked)

    def unexport(self, ctx: Context, volume: VolumeRecord, attachment_id: str) -> None:
        self.backends.driver(volume["host"]).unexport(thing(volume), attachment_id)

    def log_levels(
        self, ctx: Context, prefix: str, binary: str = "cinder-volume"
    ) -> dict[str, str]:
        return log_levels.of(prefix, binary)

    def set_log_level(
        self, ctx: Context, level: str, prefix: str, binary: str = "cinder-volume"
    ) -> None:
        log_levels.put(prefix, level, binary)

    def inventory(self, ctx: Context, backend: str) -> Inventory:
        return inventory.look(self.backends.driver(backend))

    def storeroom(self, ctx: Context) -> Storeroom:
        return self.keeper.look()

    def remove(
        self, ctx: Context, kind: str, backend: str, volume: VolumeRecord | None, name: str
    ) -> None:
        self.keeper.remove(kind, backend, volume, name)

    def unmanage(
        self, ctx: Context, kind: str, backend: str, volume: VolumeRecord, name: str
    ) -> None:
        self.keeper.unmanage(kind, backend, volume, name)

    def manageable(self, ctx: Context, backend: str, kind: str) -> list[dict[str, Any]]:
        driver = self.backends.driver(backend)
        things = (driver.manageable_volumes() if kind == "volume"
                  else driver.manageable_snapshots())
        return [asdict(each) for each in things]
