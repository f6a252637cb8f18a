"""resize: a server gets another flavor, on another host or on its own."""

from cairn.common.flows import Action, Entry
from cairn.nova.core.moving import STEPS

ACTION = Action(
    kind="resize",
    does="Moves the server to a host that has room for its new flavor, which may be its own. What "
         "it was is kept until that is confirmed.",
    event="compute.instance.resize",
    entries=(Entry(("active", "stopped"), "resize_prep"),),
    steps=STEPS,
    fails="What the host or the scheduler said, in the action's events and as a fault. The server "
          "is what it was, where it was.",
    moves=True,
)
