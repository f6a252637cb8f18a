"""Placement's processes."""

from cairn.common.process import API, Process, Room
from cairn.placement.settings import Settings

PROCESSES = {
    "placement-api": Process(
        API, "controller", Settings, Room("cairn.placement.api.process"), mount="/placement"
    ),
}
