"""placement-api: the WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import health
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.placement.api import (
    aggregates,
    allocations,
    candidates,
    classes,
    inventories,
    providers,
    traits,
    usages,
    versions,
)
from cairn.placement.component import Placement
from cairn.placement.errors import envelope

APIS = (providers.api, inventories.api, traits.api, aggregates.api, classes.api,
        allocations.api, candidates.api, usages.api)


def create_app(
    placement: Placement, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    return serve(
        "placement", placement,
        [Mount("", (versions.api, health.endpoint(checks))),
         Mount("", APIS, versions.MICROVERSIONS)],
        authenticate=authenticate, envelope=envelope, service="placement",
    )
