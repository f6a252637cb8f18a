"""resize: a server moves to a host that has room for what it shall be."""

from cairn.nova.conductor.relocations import Moves


class Steps(Moves):
    """As every move."""
