"""reboot: a server is powered off and on."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

SOFT = Entry(("active",), "rebooting", when="type SOFT")
HARD = Entry(
    ("active", "stopped", "paused", "suspended", "error"), "rebooting_hard",
    over=("rebooting", "reboot_pending", "reboot_started", "rebooting_hard",
          "reboot_pending_hard", "reboot_started_hard"),
    when="type HARD",
)

ACTION = Action(
    kind="reboot",
    does="Soft: the guest is asked to power off, and started again. Hard: the plug is pulled.",
    event="compute.instance.reboot",
    entries=(SOFT, HARD),
    steps=(ActionStep(COMPUTE, "domain_rebooted", "off and on again; ACTIVE"),),
    fails="What the host said, in the action's events.",
)
