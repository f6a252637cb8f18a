"""`cairn down`: takes a cloud away and leaves nothing of it."""

from cairn.deploy import leftovers, machine, playbook
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed
from cairn.deploy.progress import Display


def run(cloud: Cloud, display: Display) -> None:
    machine.require_root()
    record = cloud.existing()
    with cloud.lock():
        playbook.run(cloud, ["lab-destroy" if record.place == "lab" else "destroy"], display)
        left = leftovers.find(cloud, record)
        if left:
            raise Failed(
                "this is still there:\n" + "\n".join(f"  - {each}" for each in left),
                "Run ./cairn down again; what stays must be in use by something else.",
            )
        cloud.forget()
    display.say(f"The cloud '{cloud.name}' is gone; it took {display.elapsed:.0f} s.")
