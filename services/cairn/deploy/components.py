"""What the roles publish of the cloud's components, as far as the command must know it."""

from typing import Any

import yaml

from cairn.deploy import checkout


def processes() -> dict[str, dict[str, Any]]:
    """Every process of every component by its name, as the roles' defaults declare them."""
    declared: dict[str, dict[str, Any]] = {}
    for path in sorted(checkout.ROLES.glob("*/defaults/main.yml")):
        defaults = yaml.safe_load(path.read_text()) or {}
        declared |= defaults.get(f"{path.parents[1].name}_processes", {})
    return declared


def apis() -> dict[str, str]:
    """Path behind the proxy to the name of the process that answers for its health there."""
    return {
        process["mount"]: name for name, process in processes().items()
        if "mount" in process and "/healthcheck" in process.get("paths", ["/healthcheck"])
    }
