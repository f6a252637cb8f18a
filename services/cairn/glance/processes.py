"""Glance's processes."""

from cairn.common.process import API, DATA, WORKER, Process, Room
from cairn.glance.settings import Settings, WorkerProcess

API_ROOM = Room("cairn.glance.api.process")

PROCESSES = {
    "glance-api": Process(API, "controller", Settings, API_ROOM, mount="/image"),
    # The same, for the bytes: who sends or takes them slowly holds no thread of the other.
    "glance-data": Process(
        DATA, "controller", Settings, API_ROOM, mount="/image",
        paths=("/v2/images/[^/]+/(file|stage)",),
    ),
    "glance-worker": Process(
        WORKER, "controller", WorkerProcess, Room("cairn.glance.worker.process")
    ),
}
