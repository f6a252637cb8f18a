"""migrate: a server moves to another host."""

from cairn.nova.conductor.relocations import Moves


class Steps(Moves):
    """As every move."""
