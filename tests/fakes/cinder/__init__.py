"""A whole cinder in one process, and what stands for its neighbours."""

from fakes.cinder.cloud import Cloud
from fakes.cinder.world import World

__all__ = ["Cloud", "World"]
