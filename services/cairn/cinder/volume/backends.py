"""The backends of this host, as its settings name them."""

from cairn.cinder.drivers.base import Driver, Host
from cairn.cinder.drivers.base import Volume as Thing
from cairn.cinder.drivers.loading import load
from cairn.cinder.errors import NoSuchBackend
from cairn.cinder.rpc import VolumeRecord, backend_of
from cairn.cinder.settings import VolumeSettings
from cairn.common.settings import BadSetting


class Backends:
    """Drivers by host@backend."""

    def __init__(self, settings: VolumeSettings, host: str) -> None:
        """Raises BadSetting for one that no driver can be made of."""
        self.host, self.zone = host, settings.zone
        # What the operator has to say to the scheduler.
        self.functions = {name: text for name, text in (
            ("filter_function", settings.filter_function),
            ("goodness_function", settings.goodness_function)) if text}
        self._drivers: dict[str, Driver] = {}
        about = Host(
            host, export_address=settings.export_address,
            max_over_subscription_ratio=settings.max_over_subscription_ratio,
            reserved_percentage=settings.reserved_percentage)
        # What is shown to other storage hosts, whose volumes come here.
        self.tls = about.export_tls
        for words in settings.backends.split():
            name, _, rest = words.partition(":")
            kind, _, where = rest.partition(":")
            if not name or not kind:
                raise BadSetting(f"backends: {words} is not NAME:KIND[:WHERE]")
            self._drivers[f"{host}@{name}"] = load(kind)(name, where, about)

    def names(self) -> list[str]:
        """host@backend of each."""
        return list(self._drivers)

    def protocols(self) -> set[str]:
        """What its backends are exported by."""
        return {driver.storage_protocol for driver in self._drivers.values()}

    def driver(self, host: str) -> Driver:
        """Of host@backend[#pool]. Raises NoSuchBackend."""
        try:
            return self._drivers[backend_of(host)]
        except KeyError:
            raise NoSuchBackend(host=backend_of(host)) from None


def thing(record: VolumeRecord) -> Thing:
    """The volume as its driver knows it."""
    return Thing(record["name"], record["size"], record["provider"], record["encrypted"],
                 record["specs"])
