"""Nova's neighbours: what it asks of each, and how that is asked over HTTP."""

from dataclasses import dataclass

from cairn.common.client import Neighbours
from cairn.nova.neighbours.image import HttpImages, Images
from cairn.nova.neighbours.network import HttpNetwork, Network
from cairn.nova.neighbours.placement import HttpPlacement, Placement
from cairn.nova.neighbours.volume import HttpVolumes, Volumes


@dataclass(frozen=True)
class Cloud:
    network: Network
    images: Images
    placement: Placement
    volumes: Volumes


def over_http(client: Neighbours) -> Cloud:
    """The real ones."""
    return Cloud(HttpNetwork(client), HttpImages(client), HttpPlacement(client),
                 HttpVolumes(client))
