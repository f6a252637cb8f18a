"""/ and /v2.0/: what neutron speaks"""

from typing import Any

from cairn.common.api import PUBLIC, Api, Document
from cairn.neutron.component import Neutron

root = Api({})
api = Api({})

COLLECTIONS = {
    "agent": "agents", "availability_zone": "availability_zones", "extension": "extensions",
    "floatingip": "floatingips", "network": "networks",
    "network_ip_availability": "network-ip-availabilities", "port": "ports", "quota": "quotas",
    "router": "routers", "security-group": "security-groups",
    "security-group-rule": "security-group-rules", "subnet": "subnets",
    "subnetpool": "subnetpools",
}


@root.get("/", policy=PUBLIC, raw=True)
def index(neutron: Neutron, ctx: object, request: Any) -> Document:
    """List the versions of the API that are spoken, for everybody."""
    return {"versions": [{
        "id": "v2.0", "status": "CURRENT",
        "links": [{"rel": "self", "href": f"{request.root_url}v2.0/"}],
    }]}


@api.get("/", policy=PUBLIC, raw=True)
def resources(neutron: Neutron, ctx: object, request: Any) -> Document:
    """List the collections that there are, with links, for everybody."""
    return {"resources": [
        {"name": name, "collection": collection,
         "links": [{"rel": "self", "href": f"{request.root_url}v2.0/{collection}"}]}
        for name, collection in COLLECTIONS.items()
    ]}
