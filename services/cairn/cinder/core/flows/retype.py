"""retype: a volume gets another type."""

from cairn.cinder.core.flows.migrate import STEPS
from cairn.common.flows import Action, Entry

ACTION = Action(
    kind="retype",
    does="Gives the volume another type, and moves it where its pool or its encryption can not be "
         "that type's.",
    event="volume.retype",
    entries=(Entry(("available",), "retyping", when="os-retype"),
             Entry(("in-use",), "retyping", when="os-retype of a volume in use")),
    steps=STEPS,
    fails="The volume has its old type, and is where it was, with a message. Its migration_policy "
          "may be on-demand, or it may be detached first.",
    cancellable=False,
)
