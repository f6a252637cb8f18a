"""Nova's neighbours: what it asks of each, and how that is asked over HTTP."""

from dataclasses import dataclass

from cairn.common.client import Neighbours
from cairn.nova.neighbours.image import HttpImages, Images
from cairn.nova.neighbours.network import HttpNetwork, Network
from cairn.nova.neighbours.placement import HttpPlacement, Placement
from cairn.nova.neighbours.vendordata import Nobody, Vendordata
from cairn.nova.neighbours.volume import HttpVolumes, Volumes


@dataclass(frozen=True)
class Cloud:
    network: Network
    images: Images
    placement: Placement
    volumes: Volumes
    # Whom guests are told of: asked by conductors and the metadata service.
    vendordata: Vendordata = Nobody()


def over_http(client: Neighbours, vendordata: Vendordata | None = None) -> Cloud:
    """The real ones."""
    return Cloud(HttpNetwork(client), HttpImages(client), HttpPlacement(client),
                 HttpVolumes(client), vendordata or Nobody())
