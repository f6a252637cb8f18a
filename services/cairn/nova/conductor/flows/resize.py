"""resize: a server moves to a host that has room for what it shall be."""

from cairn.nova.conductor.moves import Moves


class Steps(Moves):
    """As every move."""
