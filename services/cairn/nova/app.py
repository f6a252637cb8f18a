"""nova-api's WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import errors, health
from cairn.common.api import Document
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.nova.api import (
    admin_password,
    aggregates,
    assisted_volume_snapshots,
    attach_interfaces,
    availability_zones,
    baremetal_nodes,
    console_auth_tokens,
    create_backup,
    deferred_delete,
    extensions,
    flavor_access,
    flavor_extra_specs,
    flavors,
    floating_ip_actions,
    floating_ip_pools,
    floating_ips,
    gone,
    hosts,
    hypervisors,
    image_metadata,
    images,
    instance_actions,
    instance_usage_audit_log,
    ips,
    keypairs,
    limits,
    migrate_server,
    migrations,
    networks,
    pause_server,
    quota_classes,
    quota_sets,
    remote_consoles,
    rescue,
    resize,
    security_groups,
    server_actions,
    server_diagnostics,
    server_external_events,
    server_groups,
    server_images,
    server_metadata,
    server_password,
    server_tags,
    server_topology,
    servers,
    services,
    shelve,
    simple_tenant_usage,
    snapshots,
    suspend_server,
    tenant_networks,
    trigger_crash_dump,
    versions,
    volume_attachments,
    volume_uses,
    volumes,
)
from cairn.nova.component import Nova

RESOURCES = (
    admin_password, aggregates, assisted_volume_snapshots, attach_interfaces, availability_zones,
    baremetal_nodes, console_auth_tokens, create_backup, deferred_delete, extensions, flavor_access,
    flavor_extra_specs, flavors, floating_ip_actions, floating_ip_pools, floating_ips, gone, hosts,
    hypervisors, image_metadata, images, instance_actions, instance_usage_audit_log, ips, keypairs,
    limits, migrate_server, migrations, networks, pause_server, quota_classes, quota_sets,
    remote_consoles, rescue, resize, security_groups, server_actions, server_diagnostics,
    server_external_events, server_groups, server_images, server_metadata, server_password,
    server_tags, server_topology, servers, services, shelve, simple_tenant_usage, snapshots,
    suspend_server, tenant_networks, trigger_crash_dump, volume_attachments, volume_uses, volumes,
)
APIS = [resource.api for resource in RESOURCES]
API = Mount("/v2.1", [versions.current, *APIS], versions.MICROVERSIONS, project_in_path=True)

# What Nova calls each code in its envelope.
_KINDS = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound",
    405: "badMethod", 406: "notAcceptable", 409: "conflictingRequest", 413: "overLimit",
    415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
}
_MEDIA_TYPES = ("application/json", "application/vnd.openstack.compute+json", "text/plain", "")


def envelope(problem: errors.Problem, request_id: str) -> Document:
    if problem.code == 401:  # Its words are the middleware's, the same for all services.
        return {"error": {"code": 401, "title": "Unauthorized", "message": str(problem)}}
    return {_KINDS.get(problem.code, "computeFault"): {
        "code": problem.code, "message": str(problem).partition("\n")[0]}}


def create_app(
    component: Nova, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    """The application, to be mounted at /compute."""
    app = serve(
        "cairn.nova", component,
        [
            Mount("", [versions.root, health.endpoint(checks)]),
            API,
            Mount("/v2", [versions.legacy, *APIS], versions.LEGACY, project_in_path=True),
        ],
        authenticate=authenticate, envelope=envelope, service="compute",
        request_id_headers=("X-Compute-Request-Id",),
    )
    app.before_request(_check_path)
    app.before_request(_check_media_type)
    return app


def _check_path() -> None:
    """An empty id is nobody's: /servers/ is not /servers. Raises NoSuchPath."""
    path = flask.request.path
    if path.endswith("/") and path.count("/") > 2:
        raise errors.NoSuchPath


def _check_media_type() -> None:
    """A body is JSON, or does not say what it is. Raises Unsupported."""
    request = flask.request
    if request.content_length and request.mimetype not in _MEDIA_TYPES:
        raise errors.Unsupported(reason="Unsupported Content-Type")
