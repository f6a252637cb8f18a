"""migrate: from one host to another."""

from cairn.nova.compute.moves import Moves


class Steps(Moves):
    """As every move."""
