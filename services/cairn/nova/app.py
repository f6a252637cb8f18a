"""nova-api's WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import errors, health
from cairn.common.api import Document
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.nova.api import (
    flavors,
    groups,
    hosts,
    keypairs,
    quotas,
    security_groups,
    server_actions,
    server_images,
    server_parts,
    servers,
    versions,
)
from cairn.nova.component import Nova

APIS = [
    versions.api, servers.api, server_actions.api, server_images.api, server_parts.api, flavors.api,
    keypairs.api, groups.api, hosts.api, quotas.api, security_groups.api,
]

# What Nova calls each code in its envelope.
_KINDS = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound",
    405: "badMethod", 406: "notAcceptable", 409: "conflictingRequest", 413: "overLimit",
    415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
}


def envelope(problem: errors.Problem, request_id: str) -> Document:
    if problem.code == 401:  # Its words are the middleware's, the same for all services.
        return {"error": {"code": 401, "title": "Unauthorized", "message": str(problem)}}
    return {_KINDS.get(problem.code, "computeFault"): {
        "code": problem.code, "message": str(problem).partition("\n")[0]}}


def create_app(
    component: Nova, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    """The application, to be mounted at /compute."""
    return serve(
        "cairn.nova", component,
        [
            Mount("", [versions.root, health.endpoint(checks)]),
            Mount("/v2.1", [versions.current, *APIS], versions.MICROVERSIONS),
            Mount("/v2", [versions.legacy, *APIS], versions.LEGACY),
        ],
        authenticate=authenticate, envelope=envelope, service="compute",
        request_id_headers=("X-Compute-Request-Id",),
    )
