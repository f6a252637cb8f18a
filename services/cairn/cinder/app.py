"""cinder-api's WSGI application."""

from collections.abc import Mapping

import flask

from cairn.cinder.api import (
    attachments,
    backends,
    backups,
    cgsnapshots,
    clusters,
    connections,
    consistency_groups,
    default_types,
    encryption,
    extensions,
    group_snapshots,
    group_types,
    groups,
    hosts,
    limits,
    manageable,
    messages,
    passphrases,
    qos_specs,
    quota_sets,
    services,
    snapshots,
    transfers,
    type_access,
    type_encryption,
    type_extra_specs,
    types,
    versions,
    volume_actions,
    volume_metadata,
    volumes,
)
from cairn.cinder.component import Cinder
from cairn.common import errors, health
from cairn.common.api import Document
from cairn.common.wsgi import Authenticate, Mount, serve

RESOURCES = (
    volumes, volume_actions, volume_metadata, snapshots, attachments, connections, passphrases,
    encryption, types, type_extra_specs, type_access, type_encryption, default_types, qos_specs,
    group_types, quota_sets, limits, messages, services, hosts, backends, clusters, extensions,
    transfers, manageable, backups, groups, group_snapshots, consistency_groups, cgsnapshots,
)
APIS = [resource.api for resource in RESOURCES]
API = Mount("/v3", [versions.current, *APIS], versions.MICROVERSIONS, project_in_path=True)

# What Cinder calls each code in its envelope.
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
    component: Cinder, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    """The application, to be mounted at /volume."""
    app = serve(
        "cairn.cinder", component,
        [Mount("", [versions.root, health.endpoint(checks)]), API],
        authenticate=authenticate, envelope=envelope, service="block-storage",
        request_id_headers=("X-Compute-Request-Id",),
    )
    app.before_request(_check_path)
    return app


def _check_path() -> None:
    """An empty id is nobody's: /volumes/ is not /volumes. Raises NoSuchPath."""
    path = flask.request.path
    if path.endswith("/") and path.count("/") > 2:
        raise errors.NoSuchPath
