"""What a node's journal says of a unit that did not come up."""

import re
import subprocess

from cairn.deploy import node
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import CommandError
from cairn.deploy.failure import Failure

UNIT = re.compile(r"Job for (\S+?\.service) failed|Unable to (?:re)?start service ([\w@.-]+)")
# The service manager's own words say that it failed, not why.
MANAGER = re.compile(r"\S+\.service: |(Started|Stopped|Starting|Stopping|Failed to start) ")


def explain(cloud: Cloud, failure: Failure) -> str:
    """The last words of the failed units, empty if they have none to say."""
    units = [first or second for first, second in UNIT.findall(failure.reason)]
    said = {unit: last_words(_read(cloud, failure.host, unit)) for unit in dict.fromkeys(units)}
    return "\n".join(f"{unit.removesuffix('.service')}: {words}" for unit, words in said.items()
                     if words)


def last_words(journal: str) -> str:
    lines = [line for line in journal.splitlines() if line.strip() and not MANAGER.match(line)]
    return lines[-1].strip() if lines else ""


def _read(cloud: Cloud, host: str, unit: str) -> str:
    record = cloud.record()
    if record is None:
        return ""
    words = ["journalctl", "--boot", "--output=cat", "--lines=40", "--no-pager", f"--unit={unit}"]
    try:
        done = subprocess.run(
            node.command(cloud, record, host, words), capture_output=True, text=True, timeout=20,
            stdin=subprocess.DEVNULL, check=False,
        )
    except (CommandError, OSError, subprocess.TimeoutExpired):
        return ""  # It only adds to a failure that is told anyway.
    return done.stdout
