"""migrate: a server moves to another host."""

from cairn.nova.conductor.moves import Moves


class Steps(Moves):
    """As every move."""
