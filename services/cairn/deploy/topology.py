"""Which nodes a cloud of a given shape has, and which groups each is in."""

GROUPS = ("controller", "network", "compute", "storage")

TOPOLOGIES: dict[str, dict[str, tuple[str, ...]]] = {
    "allinone": {"aio": GROUPS},
    "multinode": {
        "controller": ("controller",),
        "network": ("network",),
        "compute1": ("compute",),
        "compute2": ("compute",),
        "storage": ("storage",),
    },
    # Volumes move between its two storage hosts.
    "storage": {"aio": GROUPS, "storage2": ("storage",)},
}


def nodes(topology: str) -> list[str]:
    """The nodes in inventory order, which is also the order of their addresses."""
    return list(TOPOLOGIES[topology])
