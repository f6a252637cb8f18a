"""Declared endpoints served by Flask: identity, policy, validation, errors, request ids."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import flask
import orjson
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from cairn.common import errors, events, names
from cairn.common.access_rules import permits
from cairn.common.api import ANYONE, PUBLIC, Api, Document, Endpoint, Reply
from cairn.common.context import Context, new_request_id
from cairn.common.db import busy
from cairn.common.microversions import Microversions
from cairn.common.policy import ENFORCED, Policy

log = logging.getLogger(__name__)

# How much of a refused request's body is heard. The proxy has had all of it before we get any, and
# lets no more than that through; where bodies are streams, the server below hears what is left.
MOST_HEARD = 16 << 20

# MariaDB's numbers of a key that is there already, and of a row that is needed or missing.
RACES = ((1062,), (1451,), (1452,))

# What turns the headers of a request into its caller: None where there is no token.
# Raises Unauthorized when there is one and it is no good.
Authenticate = Callable[[Any], Context | None]
# How a service words a refusal: (problem, request id) -> the JSON document.
Envelope = Callable[[errors.Problem, str], Document]


class Component(Protocol):
    """What every component's dataclass has beside its own parts."""

    @property
    def policy(self) -> Policy: ...


@dataclass(frozen=True)
class Mount:
    """APIs of a component under one prefix of its paths, such as /v2.1."""

    prefix: str
    apis: Iterable[Api]
    microversions: Microversions | None = None
    # Whether the caller's project may follow the prefix: /v2.1/PROJECT_ID/servers.
    project_in_path: bool = False


class _Answer(flask.Response):
    """An answer that is whole goes to the server below as a list: it sends that at once, where an
    iterator is asked again and again."""

    def get_app_iter(self, environ: Any) -> Iterable[bytes]:
        bodiless = environ["REQUEST_METHOD"] == "HEAD" or self.status_code in (204, 304)
        if bodiless or self._on_close or not isinstance(self.response, list):
            return super().get_app_iter(environ)
        return list(self.iter_encoded())


class _ProjectConverter(BaseConverter):
    """The id of a project: no resource of an API is called so."""

    regex = "[0-9a-f-]+"


def serve(
    name: str, component: Component, mounts: Iterable[Mount], *, authenticate: Authenticate,
    envelope: Envelope, request_id_headers: Iterable[str] = (), service: str = "",
) -> flask.Flask:
    """The WSGI application of a component.

    `request_id_headers` are the names beside X-OpenStack-Request-ID that its clients look for.
    `service` is its type in the catalog, as access rules of application credentials name it; a
    component that does not say takes no token that has such rules.
    """
    app = flask.Flask(name, static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.converters["project"] = _ProjectConverter
    id_headers = ("X-OpenStack-Request-ID", *request_id_headers)

    def refuse(problem: errors.Problem) -> flask.Response:
        document = envelope(problem, flask.g.request_id)
        response = _respond(document, problem.code, problem.headers)
        if problem.code == 401:
            keystone = f"{flask.request.host_url}identity"
            response.headers["WWW-Authenticate"] = f'Keystone uri="{keystone}"'
        return response

    def permitted(headers: Mapping[str, str]) -> Context | None:
        ctx = authenticate(headers)
        if ctx is not None and ctx.access_rules is not None:
            request = flask.request
            if not permits(ctx.access_rules, service, request.method, request.path):
                raise errors.Unauthorized
        return ctx

    @app.before_request
    def begin() -> None:
        flask.g.request_id = new_request_id()

    @app.after_request
    def finish(response: flask.Response) -> flask.Response:
        for header in id_headers:
            response.headers[header] = flask.g.request_id
        if "caller" in flask.g:
            # For the proxy's log; it passes it on to nobody.
            response.headers["X-Cairn-Caller"] = flask.g.caller
        if "version_headers" in flask.g:
            for header, value in flask.g.version_headers.items():
                response.headers[header] = value
        if response.status_code >= 400:
            _hear_out(flask.request)
        return response

    @app.errorhandler(errors.Problem)
    def refused(problem: errors.Problem) -> flask.Response:
        return refuse(problem)

    @app.errorhandler(StaleDataError)
    def overtaken(error: SQLAlchemyError) -> flask.Response:
        # Somebody took the row away between our reading and our writing it.
        return refuse(errors.Conflict(reason="Another request has just changed or deleted it."))

    @app.errorhandler(IntegrityError)
    def raced(error: IntegrityError) -> flask.Response:
        # Two made the same at once, or what a row stands on has just gone. Any other is a bug.
        if error.orig is None or error.orig.args[:1] not in RACES:
            return unexpected(error)
        return overtaken(error)

    @app.errorhandler(HTTPException)
    def transport(error: HTTPException) -> flask.Response:
        if error.code == 404:
            return refuse(errors.NoSuchPath())
        if error.code == 405:
            response = refuse(errors.MethodNotAllowed())
            allowed = getattr(error, "valid_methods", None)
            response.headers["Allow"] = ", ".join(sorted(allowed or ()))
            return response
        if error.code == 413:
            return refuse(errors.TooLarge(reason="The request is too large."))
        return refuse(errors.Invalid(reason=error.description or error.name))

    @app.errorhandler(DataError)
    def misfit(error: DataError) -> flask.Response:
        # A schema forgot a limit that the column has; the database says which one.
        return refuse(errors.Invalid(reason=f"A value does not fit: {error.orig}"))

    @app.errorhandler(SQLAlchemyError)
    def stuck(error: SQLAlchemyError) -> flask.Response:
        if not busy(error):
            return unexpected(error)
        log.warning("%s: %s %s: %s", flask.g.request_id, flask.request.method, flask.request.path,
                    type(error).__name__)
        response = refuse(errors.Unavailable(reason="The database is busy or away; try again."))
        response.headers["Retry-After"] = "1"
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> flask.Response:
        log.exception("%s: %s %s failed", flask.g.request_id, flask.request.method,
                      flask.request.path)
        return refuse(errors.Problem())

    for mount in mounts:
        grouped: dict[tuple[str, str], list[Endpoint]] = {}
        for api in mount.apis:
            for endpoint in api.endpoints:
                grouped.setdefault((endpoint.method, endpoint.path), []).append(endpoint)
        for (method, path), endpoints in grouped.items():
            rule = mount.prefix + path
            view = _view(endpoints, component, mount, permitted)
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
            if mount.project_in_path and path:
                app.add_url_rule(f"{mount.prefix}/<project:project_in_path>{path}",
                                 f"{method} {rule}", view, methods=[method])
    return app


def _view(
    endpoints: list[Endpoint], component: Component, mount: Mount, authenticate: Authenticate
) -> Callable[..., flask.Response]:
    by_action = any(e.action for e in endpoints)

    def view(**args: Any) -> flask.Response:
        request = flask.request
        project = args.pop("project_in_path", None)
        version = (0, 0)
        if mount.microversions is not None:
            # Announced even when the negotiation is what fails.
            flask.g.version_headers = mount.microversions.announce(mount.microversions.minimum)
            version = mount.microversions.negotiate(request.headers)
            flask.g.version_headers = mount.microversions.announce(version)
        candidates = [e for e in endpoints if e.speaks(version)]
        if not candidates:
            raise errors.NoSuchPath
        ctx = _context(candidates[0], authenticate, version)
        if project is not None and ctx.is_service:
            # One of the cloud's own does there what that project asked another of them for.
            ctx = replace(ctx, project_id=project)
        if project is not None and project != ctx.project_id:
            raise errors.Invalid(
                reason=f"Malformed request URL: URL's project_id '{project}' doesn't match "
                       f"Context's project_id '{ctx.project_id}'")
        body = None
        if by_action or (candidates[0].body is not None and not candidates[0].raw):
            # Authorise before validating: a stranger learns nothing of the schema.
            if not by_action:
                _authorise(candidates[0], component, ctx)
            body = parse_json(request.get_data(cache=False))
        endpoint = _selected(candidates, endpoints, body) if by_action else candidates[0]
        if by_action or endpoint.body is None or endpoint.raw:
            _authorise(endpoint, component, ctx)
        if request.method in ("PUT", "POST"):
            _check_path(args)
        if endpoint.check_body is not None:
            endpoint.check_body(body)
            args["body"] = body
        elif endpoint.action is not None:
            args["body"] = body
        if endpoint.check_query is not None:
            endpoint.check_query(request.args.to_dict(flat=False))
            args["query"] = request.args
        if endpoint.raw:
            args["request"] = request
        ENFORCED.names.clear()
        with events.recording() as recorded:
            answer = endpoint.func(component, ctx, **args)
        if endpoint.late and endpoint.policy not in (PUBLIC, ANYONE) and not ENFORCED.names:
            raise RuntimeError(f"{endpoint.method} {endpoint.path} promised to enforce its policy")
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        status = reply.status or endpoint.status
        if endpoint.event is not None and status < 400:
            events.check(endpoint.event, recorded, f"{endpoint.method} {endpoint.path}")
        return _respond(reply.body, status, reply.headers)

    return view


def _check_path(args: Mapping[str, Any]) -> None:
    """What is named by its path is held to what names in bodies are. (To be deleted it may be as it
    is.)"""
    for name, value in args.items():
        if isinstance(value, str) and names.CONTROL.search(value):
            raise errors.Invalid(reason=f"The {name} of the path has control characters.")


def _hear_out(request: flask.Request) -> None:
    """Read what the proxy still has for us: closed in its face, the connection would show the
    caller a 502 and not the reason."""
    if request.environ.get("cairn.lingers"):
        return
    heard = 0
    with contextlib.suppress(Exception):  # Whoever hung up reads no answer anyway.
        while heard < MOST_HEARD and (chunk := request.stream.read(1 << 16)):
            heard += len(chunk)


def _context(endpoint: Endpoint, authenticate: Authenticate, version: tuple[int, int]) -> Context:
    headers = flask.request.headers
    own, outer = flask.g.request_id, headers.get("X-OpenStack-Request-ID")
    if endpoint.policy == PUBLIC:
        ctx = Context()
    else:
        caller = authenticate(headers)
        if caller is None:
            raise errors.Unauthorized
        ctx = caller
        flask.g.caller = f"{ctx.user_id or '-'} {ctx.project_id or '-'}"
    if outer is not None and not (outer.startswith("req-") and len(outer) == 40):
        outer = None
    return replace(ctx, request_id=own, global_request_id=outer, version=version,
                   traceparent=headers.get("traceparent"))


def _authorise(endpoint: Endpoint, component: Component, ctx: Context) -> None:
    if endpoint.policy not in (PUBLIC, ANYONE) and not endpoint.late:
        component.policy.enforce(ctx, endpoint.policy)


def _selected(candidates: list[Endpoint], every: list[Endpoint], body: Any) -> Endpoint:
    """Of the candidates, which are those of `every` that speak the request's version, the one of
    the body's action. Raises Invalid, and NoSuchPath for an action of other versions."""
    if not isinstance(body, dict) or len(body) != 1:
        raise errors.Invalid(reason="The body must have exactly one key, the action.")
    action = next(iter(body))
    for endpoint in candidates:
        if endpoint.action == action:
            return endpoint
    if any(endpoint.action == action for endpoint in every):
        raise errors.NoSuchPath
    raise errors.Invalid(reason=f"There is no such action: {action}")


def parse_json(data: bytes) -> Any:
    """What a body says. Raises Invalid for none, and for what is no JSON."""
    if not data:
        raise errors.Invalid(reason="Malformed request body: a JSON document is required")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        raise errors.Invalid(reason=f"Malformed request body: not JSON: {wrong}") from wrong


def _respond(
    body: Any, status: int, headers: Mapping[str, str] | None = None
) -> flask.Response:
    if isinstance(body, dict | list):
        response = _Answer(orjson.dumps(body), status, mimetype="application/json")
    elif body is None:
        response = _Answer(b"", status)
        response.headers.pop("Content-Type", None)
    elif isinstance(body, str | bytes):
        response = _Answer(body, status)
    else:
        response = _Answer(body, status, direct_passthrough=True)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Dispatcher:
    """Several applications in one process, by the first segment of the path, through a dict."""

    def __init__(
        self, apps: Mapping[str, WsgiApp], moved: Callable[[], None] = lambda: None
    ) -> None:
        """`moved` is called whenever a request has its answer."""
        self.apps = {mount.strip("/"): app for mount, app in apps.items()}
        self.moved = moved

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            return self._answer(environ, start_response)
        finally:
            self.moved()

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        _, _, rest = path.partition("/")
        first, slash, tail = rest.partition("/")
        app = self.apps.get(first)
        if app is None:
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [orjson.dumps({"error": {
                "code": 404, "title": "Not Found",
                "message": f"No service at /{first}; there are: {', '.join(sorted(self.apps))}",
            }})]
        environ["SCRIPT_NAME"] = f"/{first}"
        environ["PATH_INFO"] = slash + tail or "/"
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "http")
        return app(environ, start_response)
