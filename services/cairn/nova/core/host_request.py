"""What a server needs of a host, from its row: what travels from conductor to scheduler."""

import math
from typing import Any, NotRequired, TypedDict

from cairn.common.bounds import parse_whole

# Image properties that say which guest CPU and hypervisor the image is for.
_ARCH = ("hw_architecture", "architecture")
_HYPERVISOR = ("img_hv_type", "hypervisor_type")
_MODE = ("hw_vm_mode", "vm_mode")
_AGGREGATE = "aggregate_instance_extra_specs:"


class Group(TypedDict):
    """The server's group."""

    id: str
    policy: str
    rules: dict[str, Any]
    hosts: dict[str, int]  # How many others of it each host has.


class HostRequest(TypedDict):
    """JSON-safe: it travels over RPC."""

    project_id: str
    user_id: str
    resources: dict[str, int]  # By placement's resource classes, in their units.
    required: list[str]  # Traits.
    forbidden: list[str]
    zone: str | None
    host: str | None
    node: str | None
    capabilities: dict[str, str]  # What ComputeCapabilitiesFilter compares.
    # What AggregateInstanceExtraSpecsFilter compares; a conductor of before does not say it.
    aggregate_specs: NotRequired[dict[str, str]]
    hints: dict[str, Any]
    group: Group | None
    image: dict[str, str | None]  # arch, hypervisor, mode
    # What a conductor of before does not say either: of the image that is copied to the host ("" if
    # none is), and of the flavor.
    image_id: NotRequired[str]
    image_properties: NotRequired[dict[str, str]]
    disk_format: NotRequired[str]
    flavor_name: NotRequired[str]


def build(server: Any, args: dict[str, Any], group: Group | None) -> HostRequest:
    """What a server row asks for; `args` are the arguments of its work."""
    flavor = server.flavor
    specs: dict[str, str] = flavor["extra_specs"]
    swap = math.ceil(flavor["swap"] / 1024)
    root = 0 if server.image_id is None else flavor["disk"]  # On a volume it is no host's.
    resources = {"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["ram"],
                 "DISK_GB": root + flavor["ephemeral"] + swap}
    for key, value in specs.items():
        if key.startswith("resources:") and (amount := parse_whole(value)) is not None:
            resources[key.removeprefix("resources:")] = amount
    properties = (server.image or {}).get("properties", {})
    traits = {key.removeprefix("trait:"): value for key, value in specs.items()
              if key.startswith("trait:")}
    traits |= {key.removeprefix("trait:"): value for key, value in properties.items()
               if key.startswith("trait:")}
    return {
        "project_id": server.project_id, "user_id": server.user_id,
        "resources": {name: amount for name, amount in resources.items() if amount},
        "required": sorted(t for t, v in traits.items() if v == "required"),
        "forbidden": sorted(t for t, v in traits.items() if v == "forbidden"),
        "zone": server.asked_zone, "host": args.get("host"), "node": args.get("node"),
        "capabilities": _capabilities(specs),
        "aggregate_specs": {key.removeprefix(_AGGREGATE): value for key, value in specs.items()
                            if key.startswith(_AGGREGATE)},
        "hints": server.scheduler_hints, "group": group,
        "image": {"arch": _first(properties, _ARCH), "hypervisor": _first(properties, _HYPERVISOR),
                  "mode": _first(properties, _MODE)},
        "image_id": server.image_id or "",
        "image_properties": {name: str(value) for name, value in properties.items()},
        "disk_format": (server.image or {}).get("disk_format") or "" if server.image_id else "",
        "flavor_name": flavor["name"],
    }


def _first(properties: dict[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        if properties.get(name):
            return str(properties[name])
    return None


def _capabilities(specs: dict[str, str]) -> dict[str, str]:
    """What ComputeCapabilitiesFilter compares: the scoped ones, and plain names."""
    capabilities = {}
    for key, value in specs.items():
        scope, colon, name = key.partition(":")
        if not colon:
            capabilities[key] = value
        elif scope == "capabilities":
            capabilities[name] = value
    return capabilities
