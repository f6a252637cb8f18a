"""placement-api: the WSGI application."""

from collections.abc import Mapping

import flask
import orjson
from markupsafe import escape
from werkzeug.exceptions import MethodNotAllowed

from cairn.common import errors, health
from cairn.common.api import Endpoint
from cairn.common.db import utcnow
from cairn.common.wsgi import Authenticate, Mount, serve
from cairn.placement.api import (
    aggregates,
    allocations,
    candidates,
    classes,
    inventories,
    providers,
    reshaper,
    traits,
    usages,
    versions,
)
from cairn.placement.api.views import http_date
from cairn.placement.component import Placement
from cairn.placement.errors import MethodRefused, envelope

APIS = (providers.api, inventories.api, traits.api, aggregates.api, classes.api,
        allocations.api, candidates.api, usages.api, reshaper.api)
API = Mount("", (versions.api, *APIS), versions.MICROVERSIONS)
ENDPOINTS: dict[tuple[str, str], list[Endpoint]] = {}
for endpoint in (endpoint for api in APIS for endpoint in api.endpoints):
    ENDPOINTS.setdefault((endpoint.method, endpoint.path), []).append(endpoint)
JSON = "application/json"
HEALTH = "/healthcheck"


def create_app(
    placement: Placement, authenticate: Authenticate, checks: Mapping[str, health.Check]
) -> flask.Flask:
    app = serve(
        "placement", placement,
        [Mount("", (health.endpoint(checks),)), API],
        authenticate=authenticate, envelope=envelope, service="placement",
    )
    app.before_request(_refuse)
    # What is registered last runs first: the application's own headers are written after these.
    app.after_request(_finish)
    return app


def _refuse() -> None:
    """What is wrong with a request whatever it is for."""
    request = flask.request
    # Said even where there is no such path.
    flask.g.version_headers = versions.MICROVERSIONS.announce(versions.MICROVERSIONS.minimum)
    if request.path == HEALTH:
        return
    version = versions.MICROVERSIONS.negotiate(request.headers)
    flask.g.version_headers = versions.MICROVERSIONS.announce(version)
    if request.method in ("OPTIONS", "HEAD") or (
            isinstance(request.routing_exception, MethodNotAllowed)):
        raise MethodRefused(method=request.method)
    length = request.environ.get("CONTENT_LENGTH")
    if length and not length.isdigit():
        raise errors.Invalid(reason="content-length header must be an integer")
    if length and length != "0" and not request.environ.get("CONTENT_TYPE"):
        raise errors.Invalid(reason="content-type header required when content-length > 0")
    if request.routing_exception is not None:
        return
    accept = request.accept_mimetypes
    if request.method == "GET" and accept and not accept.accept_json:
        raise errors.NotAcceptable(reason=f"Only {JSON} is provided")
    assert request.url_rule is not None
    if request.mimetype != JSON and any(
            endpoint.body is not None and endpoint.speaks(version)
            for endpoint in ENDPOINTS.get((request.method, request.url_rule.rule), ())):
        raise errors.Unsupported(reason=f"The media type {request.mimetype or None} is not "
                                        f"supported, use {JSON}")


def _finish(response: flask.Response) -> flask.Response:
    request = flask.request
    if response.status_code == 405:
        methods = flask.current_app.url_map.bind("").allowed_methods(request.path)
        response.headers["Allow"] = ", ".join(sorted(set(methods) - {"HEAD", "OPTIONS"}))
    response.autocorrect_location_header = True
    version = int(flask.g.version_headers["OpenStack-API-Version"].rpartition(".")[2])
    if response.status_code >= 400:
        _word(response, version)
    if _dated(response, version):
        response.headers["Cache-Control"] = "no-cache"
        response.headers.setdefault("Last-Modified", http_date(utcnow()))
    else:
        response.headers.pop("Last-Modified", None)
    return response


def _word(response: flask.Response, version: int) -> None:
    """A refusal as its reader knows it: a code is told from 1.23 on, a browser is told a page."""
    document = orjson.loads(response.data)
    if "errors" not in document:
        return
    accept, (error,) = flask.request.accept_mimetypes, document["errors"]
    if accept and not accept.accept_json and accept.accept_html:
        response.set_data(f"<h1>{error['title']}</h1><p>{escape(error['detail'])}</p>")
        response.mimetype = "text/html"
    elif version < 23:
        del error["code"]
        response.set_data(orjson.dumps(document))


def _dated(response: flask.Response, version: int) -> bool:
    """Whether it says how old it is: from 1.15 on what has a body, and what is of one trait."""
    of_trait = flask.request.path.startswith("/traits/") and flask.request.method != "DELETE"
    return response.status_code < 300 and version >= 15 and (
        of_trait or bool(response.content_length))
