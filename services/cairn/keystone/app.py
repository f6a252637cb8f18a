"""keystone-api: the WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import health
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.keystone.api import (
    application_credentials,
    auth,
    configuration,
    credentials,
    domains,
    ec2,
    endpoint_filters,
    endpoints,
    grants,
    groups,
    limits,
    oauth1,
    policies,
    policy_associations,
    projects,
    regions,
    revocations,
    role_assignments,
    roles,
    services,
    tags,
    trusts,
    users,
    versions,
)
from cairn.keystone.component import Keystone
from cairn.keystone.core import client_address
from cairn.keystone.errors import envelope

APIS = tuple(module.api for module in (
    auth, ec2, domains, projects, tags, users, groups, roles, grants, role_assignments, regions,
    services, endpoints,
    credentials, limits, policies, revocations, trusts, application_credentials,
    configuration, endpoint_filters, policy_associations, oauth1,
))
API = Mount("/v3", APIS)


def create_app(
    keystone: Keystone, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    mounts = [Mount("", [versions.api, health.endpoint(checks)]), API]
    app = serve("keystone", keystone, mounts, authenticate=authenticate, envelope=envelope,
                service="identity")

    @app.before_request
    def remember() -> None:
        request = flask.request
        forwarded = request.headers.get("X-Forwarded-For", "")
        client_address.remember(forwarded, request.remote_addr or "")

    return app
