"""A whole nova in one process, and neighbours of it that behave: the real ones hold them to that
(tests/contract/test_neighbours.py)."""

from fakes.nova.cloud import Cloud
from fakes.nova.world import FakeTransfers, NoImages, World

__all__ = ["Cloud", "FakeTransfers", "NoImages", "World"]
