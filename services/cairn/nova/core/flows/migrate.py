"""migrate: a server that is powered off meanwhile moves to another host."""

from cairn.common.flows import Action, Entry
from cairn.nova.core.moving import STEPS

ACTION = Action(
    kind="migrate",
    does="Moves the server to another host, as a resize does, with the flavor that it has.",
    event="compute.instance.resize",
    entries=(Entry(("active", "stopped"), "resize_prep"),),
    steps=STEPS,
    fails="What the host or the scheduler said, in the action's events and as a fault. The server "
          "is where it was.",
    moves=True,
)
