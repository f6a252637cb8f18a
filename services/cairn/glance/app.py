"""glance-api: the WSGI application."""

from collections.abc import Mapping

import flask

from cairn.common import health
from cairn.common.errors import NoSuchPath
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.glance.api import (
    actions,
    cache,
    data,
    images,
    imports,
    locations,
    members,
    published,
    stores,
    tags,
    tasks,
    versions,
)
from cairn.glance.api import metadef_namespaces as namespaces
from cairn.glance.api import metadef_objects as objects
from cairn.glance.api import metadef_properties as properties
from cairn.glance.api import metadef_resource_types as resource_types
from cairn.glance.api import metadef_tags as defined_tags
from cairn.glance.component import Glance
from cairn.glance.errors import envelope

METADEFS = (namespaces.api, objects.api, properties.api, defined_tags.api, resource_types.api)
APIS = (published.api, images.api, data.api, actions.api, tags.api, members.api,
        stores.api, imports.api, tasks.api, locations.api, cache.api, *METADEFS)
API = Mount("/v2", APIS)


def create_app(
    glance: Glance, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    app = serve(
        "glance", glance,
        [Mount("", (versions.root, health.endpoint(checks))), API],
        authenticate=authenticate, envelope=envelope, service="image",
    )

    @app.before_request
    def whole() -> None:
        # An empty id makes /v2/images/<id> end like this; it must not be taken for /v2/images.
        if flask.request.path.startswith("/v2/") and flask.request.path.endswith("/"):
            raise NoSuchPath

    @app.after_request
    def worded(response: flask.Response) -> flask.Response:
        # Clients that take anything expect a refusal in words: glance's own fails on flat JSON.
        accept = flask.request.headers.get("Accept", "")
        if response.status_code >= 400 and accept and "application/json" not in accept:
            refusal = response.get_json(silent=True) or {}
            response.data = f"{refusal.get('code')}: {refusal.get('message')}\n"
            response.mimetype = "text/plain"
        return response

    return app
