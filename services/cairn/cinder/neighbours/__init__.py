"""Cinder's neighbours: what it asks of each, and how that is asked over HTTP."""

from dataclasses import dataclass

from cairn.cinder.neighbours.compute import Compute, HttpCompute
from cairn.cinder.neighbours.image import HttpImages, Images
from cairn.cinder.neighbours.limits import HttpLimits, Limits
from cairn.common.client import Neighbours


@dataclass(frozen=True)
class Cloud:
    images: Images
    compute: Compute
    limits: Limits


def over_http(client: Neighbours) -> Cloud:
    """The real ones."""
    return Cloud(HttpImages(client), HttpCompute(client), HttpLimits(client))
