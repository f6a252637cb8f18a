"""Nova's processes: where each runs, what it may be told, and the room it is made in."""

from cairn.common.process import AGENT, API, DATA, LIVE, WORKER, Process, Room
from cairn.nova import settings as s
from cairn.nova.settings import ComputeProcess

PROCESSES = {
    "nova-api": Process(
        API, "controller", s.ApiProcess, Room("cairn.nova.api.process"), "/compute"
    ),
    "nova-metadata": Process(
        API, "controller", s.MetadataProcess, Room("cairn.nova.metadata.process"), "/metadata"
    ),
    # Web sockets of consoles: at its mount, and nothing below it but the word of its health.
    "nova-console": Process(
        DATA, "controller", s.ConsoleProcess, Room("cairn.nova.console.process"), "/console",
        pool=LIVE, paths=("/?", "/healthcheck"),
    ),
    "nova-conductor": Process(
        WORKER, "controller", s.ConductorProcess, Room("cairn.nova.conductor.process")
    ),
    "nova-scheduler": Process(
        WORKER, "controller", s.SchedulerProcess, Room("cairn.nova.scheduler.process")
    ),
    "nova-compute": Process(AGENT, "compute", ComputeProcess, Room("cairn.nova.compute.process")),
}
