"""changePassword: the guest's agent gives its administrator another password."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="changePassword",
    does="Lets the guest's agent set the password of its administrator. Of an image without "
         "`hw_qemu_guest_agent` there is none to ask. Kept with the server until the guest was "
         "told, and nowhere else.",
    event="compute.instance.change_password",
    entries=(Entry(("active",), "updating_password"),),
    steps=(
        ActionStep(COMPUTE, "password_set", "the guest's agent did it"),
        ActionStep(CONDUCTOR, "password_forgotten", "it is kept no more"),
    ),
    fails="What the host said, in the answer and in the action's events.",
)
