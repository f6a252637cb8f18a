"""The driver of a kind: one of ours, or what an installed package offers under an entry point."""

import importlib
from importlib.metadata import entry_points
from typing import cast

from cairn.cinder.drivers.base import Make
from cairn.common.settings import BadSetting

GROUP = "cairn.cinder.drivers"
# Imported when used: some need bindings that only a host with such a backend has.
OWN = {
    "fake": "cairn.cinder.drivers.fake:FakeDriver",
    "file": "cairn.cinder.drivers.file:FileDriver",
    "lvm": "cairn.cinder.drivers.lvm:LvmDriver",
    "nfs": "cairn.cinder.drivers.nfs:NfsDriver",
    "rbd": "cairn.cinder.drivers.rbd:RbdDriver",
}


def load(kind: str) -> Make:
    """The class of that kind's driver. Raises BadSetting where there is none. A package's driver
    does not take the place of ours."""
    if kind in OWN:
        module, _, name = OWN[kind].partition(":")
        return cast("Make", getattr(importlib.import_module(module), name))
    offers = entry_points(group=GROUP, name=kind)
    if len({offer.value for offer in offers}) != 1:
        kinds = sorted(OWN.keys() | {offer.name for offer in entry_points(group=GROUP)})
        reason = "several packages offer it" if offers else f"there are {', '.join(kinds)}"
        raise BadSetting(f"no driver for backends of the kind {kind:.80}: {reason}")
    try:
        return cast("Make", next(iter(offers)).load())
    except (ImportError, AttributeError) as error:
        raise BadSetting(f"the driver of the kind {kind:.80} can not be used: {error}") from error
