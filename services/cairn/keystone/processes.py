"""Keystone's process: the API, on controllers."""

from cairn.common.process import API, IDENTITY, Process, Room
from cairn.keystone.settings import ApiSettings

PROCESSES = {
    "keystone-api": Process(
        API, "controller", ApiSettings, Room("cairn.keystone.api.process"), mount="/identity",
        # It alone may read what tokens are signed and credentials encrypted with.
        pool=IDENTITY,
    ),
}
