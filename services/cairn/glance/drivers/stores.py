"""The stores of this cloud, as its settings name them."""

from collections.abc import Iterator
from pathlib import Path

from cairn.common.errors import Conflict, Invalid
from cairn.common.settings import BadSetting
from cairn.glance.drivers.base import Store
from cairn.glance.drivers.file import FileStore
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.http import HttpStore
from cairn.glance.drivers.rbd import RbdStore
from cairn.glance.settings import ImageSettings, ImportSettings, StoreSettings

STAGING = "os_glance_staging_store"


class NoSuchStore(Conflict):
    message = "The store {id} is not one of this cloud's: {known}."


class Stores:
    """Stores by name, in the order of the settings."""

    def __init__(
        self, image: ImageSettings, stores: StoreSettings, imports: ImportSettings, gate: Gate
    ) -> None:
        self.gate = gate
        self._all = {store.name: store for store in _made(image, stores, gate)}
        writable = [s for s in self._all.values() if not s.read_only]
        if not writable:
            raise BadSetting("[stores] enabled: none of them can be written to")
        self.default = stores.default or writable[0].name
        self.import_to = stores.import_to.split() or [self.default]
        for name in (self.default, *self.import_to):
            if name not in self._all or self._all[name].read_only:
                raise BadSetting(f"[stores]: no store to write to is named {name}")
        self._weights = dict(_weight(word) for word in stores.weights.split())
        # What waits to be imported: a file store that no image's location names.
        self.staging = FileStore(
            STAGING, imports.staging or str(Path(image.folder, "staging")))

    def __iter__(self) -> Iterator[Store]:
        return iter(self._all.values())

    def __contains__(self, name: object) -> bool:
        return name in self._all

    @property
    def names(self) -> list[str]:
        return list(self._all)

    @property
    def writable(self) -> list[str]:
        return [store.name for store in self if not store.read_only]

    def weight(self, name: str) -> int:
        return self._weights.get(name, 0)

    def find(self, name: str) -> Store:
        """Raises NoSuchStore."""
        if name not in self._all:
            raise NoSuchStore(id=name, known=", ".join(self._all), reason="")
        return self._all[name]

    def to_write(self, name: str) -> Store:
        """Raises NoSuchStore, Invalid."""
        store = self.find(name)
        if store.read_only:
            raise Invalid(reason=f"The store {name} is read-only.")
        return store

    def owner(self, url: str) -> Store | None:
        """The store that an address belongs to, if any."""
        return next((store for store in self if store.owns(url)), None)


def _made(image: ImageSettings, stores: StoreSettings, gate: Gate) -> Iterator[Store]:
    for word in stores.enabled.split():
        name, _, rest = word.partition(":")
        kind, _, where = rest.partition(":")
        if not name or name.startswith("os_glance_"):
            raise BadSetting(f"[stores] enabled: {word}: no name for a store")
        if kind == "file":
            folder = where or str(Path(image.folder, name))
            yield FileStore(name, folder, root=image.folder, accel=image.accel)
        elif kind == "http":
            yield HttpStore(name, gate)
        elif kind == "rbd":
            if not where:
                raise BadSetting(f"[stores] enabled: {word}: rbd needs the name of a pool")
            yield RbdStore(name, where)
        else:
            raise BadSetting(f"[stores] enabled: {word}: kinds are file, http and rbd")


def _weight(word: str) -> tuple[str, int]:
    name, _, number = word.partition("=")
    try:
        return name, int(number)
    except ValueError:
        raise BadSetting(f"[stores] weights: {word}: expected NAME=NUMBER") from None
