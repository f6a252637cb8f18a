"""resize: from one host to another, or to what it shall be on the same."""

from cairn.nova.compute.moves import Moves


class Steps(Moves):
    """As every move."""
