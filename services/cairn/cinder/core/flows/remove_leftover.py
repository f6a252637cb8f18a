"""remove_leftover: what a volume was before it moved."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="remove_leftover",
    does="Removes what a volume was in its old pool, after it moved.",
    event="volume.leftover",
    entries=(Entry(None, None, when="after a migration"),),
    steps=(
        ActionStep(VOLUME, "leftover_removed", "from the old pool"),
        ActionStep(SCHEDULER, "key_forgotten", "where it had one of its own"),
    ),
    fails="The volume is not touched; a message says so, and the backend holds what is nobody's.",
    cancellable=False,
)
