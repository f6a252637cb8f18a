"""Cinder's processes: where each runs, what it may be told, and the room it is made in."""

from cairn.cinder import settings as s
from cairn.common.process import AGENT, API, WORKER, Process, Room

PROCESSES = {
    "cinder-api": Process(
        API, "controller", s.ApiProcess, Room("cairn.cinder.api.process"), "/volume"
    ),
    "cinder-scheduler": Process(
        WORKER, "controller", s.SchedulerProcess, Room("cairn.cinder.scheduler.process")
    ),
    "cinder-volume": Process(
        AGENT, "storage", s.VolumeProcess, Room("cairn.cinder.volume.process")
    ),
}
