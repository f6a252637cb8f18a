"""neutron-api: the WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import health
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.neutron.api import (
    agents,
    extensions,
    floatingips,
    ip_availability,
    networks,
    ports,
    quotas,
    routers,
    security_groups,
    subnetpools,
    subnets,
    tags,
    versions,
)
from cairn.neutron.component import Neutron
from cairn.neutron.errors import envelope

APIS = (
    versions.api, networks.api, subnets.api, subnetpools.api, ports.api, routers.api,
    floatingips.api, security_groups.api, agents.api, quotas.api, *tags.apis,
    ip_availability.api, extensions.api,
)
API = Mount("/v2.0", APIS)


def create_app(
    neutron: Neutron, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    mounts = [Mount("", (versions.root, health.endpoint(checks))), API]
    return serve("neutron", neutron, mounts, authenticate=authenticate, envelope=envelope,
                 service="network")
