"""A component's API as an OpenAPI 3.1 document, made of its declarations and of nothing else.

One operation stands for all declarations of a path and method: those of other microversions, and
the actions of one path. What they are is listed in its `x-openstack-variants`.
https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Any

from cairn.common.api import ANYONE, PUBLIC, Endpoint, Schema, Version
from cairn.common.declared import Declaration, declarations, envelope_of, mount_of
from cairn.common.errors import NotFound
from cairn.common.microversions import Microversions, text

Json = dict[str, Any]

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """The declarations of one path and method, oldest version first."""

    path: str
    method: str
    variants: list[Declaration]

    @property
    def id(self) -> str:
        """Unique in its document: get_servers_server_id."""
        path = PARAMETER.sub(r"\1", self.variants[0].endpoint.path)
        return "_".join([self.method, *re.findall(r"[A-Za-z0-9]+", path)])

    @property
    def endpoints(self) -> list[Endpoint]:
        return [variant.endpoint for variant in self.variants]


def operations(declared: Iterable[Declaration]) -> list[Operation]:
    """By path, then by method."""

    def key(one: Declaration) -> tuple[str, str]:
        return PARAMETER.sub(r"{\1}", one.path), one.endpoint.method.lower()

    def age(one: Declaration) -> tuple[str, tuple[int, int]]:
        return one.endpoint.action or "", one.endpoint.since or (0, 0)

    return [Operation(path, method, sorted(variants, key=age))
            for (path, method), variants in groupby(sorted(declared, key=key), key)]


def document(component: str) -> Json:
    """The component's API. Raises ValueError where two of its schemas have one name and are not
    the same."""
    spoken, shared = mount_of(component).microversions, Shared()
    paths: Json = {}
    for operation in operations(declarations(component)):
        item = paths.setdefault(operation.path, _path_item(operation.path))
        item[operation.method] = _operation(operation, spoken, shared)
    problem = envelope_of(component)(NotFound("Resource", "ID"), "req-ID")
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{component} of Cairn",
                 "version": text(spoken.maximum) if spoken else mount_of(component).prefix[1:]},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "apiKey", "in": "header", "name": "X-Auth-Token",
                "description": "A token of POST /identity/v3/auth/tokens."}},
            "responses": {"Problem": {
                "description": "What went wrong.",
                "headers": {"X-Openstack-Request-Id": {"schema": {"type": "string"}}},
                "content": {"application/json": {
                    "schema": {"type": "object"}, "example": problem}}}},
            "schemas": dict(sorted(shared.schemas.items())),
        },
    }


def _path_item(path: str) -> Json:
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                  for name in names]
    return {"parameters": parameters} if parameters else {}


def _operation(operation: Operation, spoken: Microversions | None, shared: "Shared") -> Json:
    endpoints = operation.endpoints
    made: Json = {
        "operationId": operation.id, "tags": [tag(operation.variants[0])],
        "summary": summary(operation),
        "parameters": _parameters(operation, spoken, shared),
        "responses": _responses(endpoints),
        "x-openstack-variants": [_variant(endpoint) for endpoint in endpoints],
    }
    made["description"] = " ".join(
        f"{sentence_}." for sentence_ in (*earlier(operation), *patterns(operation)))
    if all(endpoint.policy == PUBLIC for endpoint in endpoints):
        made["security"] = []
    bodies = [(endpoint, endpoint.body) for endpoint in endpoints if endpoint.body is not None]
    if bodies:
        schemas = [_titled(shared.take(body), endpoint) for endpoint, body in bodies]
        made["requestBody"] = {"content": {"application/json": {
            "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}}
        if len(bodies) == len(endpoints):
            made["requestBody"]["required"] = True
    elif operation.method in ("put", "post", "patch") and any(e.raw for e in endpoints):
        made["requestBody"] = {"content": {"*/*": {}}}
    return {name: value for name, value in made.items() if value or name == "security"}


def tag(declared: Declaration) -> str:
    """The resource that an endpoint is of, as its module is called."""
    return declared.endpoint.func.__module__.rpartition(".")[2].replace("_", " ")


def summary(operation: Operation) -> str:
    """The sentence of its function, the newest version's where there are several."""
    if len({endpoint.action for endpoint in operation.endpoints}) > 1:
        return "Do one of its actions"
    return sentence(operation.endpoints[-1].func.__doc__ or "")


def earlier(operation: Operation) -> list[str]:
    """What it did in versions that another function answered: "In 1.2-1.6: rename a class"."""
    if len({endpoint.action for endpoint in operation.endpoints}) > 1:
        return []
    made = []
    for func, group in groupby(operation.endpoints, lambda endpoint: endpoint.func):
        having = list(group)
        if func is not operation.endpoints[-1].func and func.__doc__:
            words = sentence(func.__doc__)
            since, until = having[0].since, having[-1].until
            range_ = f"In {_range(since, until)}" if since else f"Until {until and text(until)}"
            made.append(f"{range_}: {words[0].lower()}{words[1:]}")
    return made


def patterns(operation: Operation) -> list[str]:
    """What there is to say of query parameters that are not declared one by one."""
    names = {f"`{pattern}`" + (f" ({schema['description']})" if "description" in schema else "")
             for endpoint in operation.endpoints
             for pattern, schema in (endpoint.query or {}).get("patternProperties", {}).items()}
    return [f"Names of further query parameters match {', '.join(sorted(names))}"] * bool(names)


def sentence(text_: str) -> str:
    """The first sentence of a docstring, on one line."""
    first = " ".join(text_.strip().partition("\n\n")[0].split())
    return re.split(r"(?<=[^.].)\. |\.$", first)[0]


def _variant(endpoint: Endpoint) -> Json:
    made = {
        "action": endpoint.action, "since": endpoint.since and text(endpoint.since),
        "until": endpoint.until and text(endpoint.until), "policy": endpoint.policy,
        "status": endpoint.status, "also": list(endpoint.also) or None, "event": endpoint.event,
        "changes_nothing": endpoint.changes_nothing,
    }
    return {name: value for name, value in made.items() if value is not None}


def _titled(schema: Json, endpoint: Endpoint) -> Json:
    words = versions(endpoint)
    if endpoint.action:
        words = f"{endpoint.action} {words}".strip()
    return {"title": words, **schema} if words else schema


def versions(endpoint: Endpoint) -> str:
    """The microversions that have it, as "2.19-2.53", or nothing where all have."""
    return _range(endpoint.since, endpoint.until)


def _range(since: Version | None, until: Version | None) -> str:
    if since is None and until is None:
        return ""
    return f"{text(since) if since else ''}-{text(until) if until else ''}"


def _parameters(
    operation: Operation, spoken: Microversions | None, shared: "Shared"
) -> list[Json]:
    queries = [endpoint.query or {} for endpoint in operation.endpoints]
    made: list[Json] = []
    for name in sorted({name for query in queries for name in query.get("properties", {})}):
        having = [endpoint for endpoint in operation.endpoints
                  if name in (endpoint.query or {}).get("properties", {})]
        # Each value of a repeated parameter is one of the array. The newest version's word counts.
        schema = (having[-1].query or {})["properties"][name]
        parameter: Json = {"name": name, "in": "query", "schema": shared.take(_schema(schema))}
        if all(name in query.get("required", ()) for query in queries):
            parameter["required"] = True
        words = _range(having[0].since, having[-1].until)
        if words and len(having) < len(queries):
            parameter["description"] = f"In {words}."
        made.append(parameter)
    if spoken is not None:
        made.append({
            "name": "OpenStack-API-Version", "in": "header",
            "schema": {"type": "string"}, "example": f"{spoken.service} {text(spoken.maximum)}"})
    return made


def _schema(schema: Any) -> Json:
    return {} if schema is True else dict(schema)


def _responses(endpoints: list[Endpoint]) -> Json:
    made: Json = {}
    for status in sorted({code for one in endpoints for code in (one.status, *one.also)}):
        made[str(status)] = {"description": HTTPStatus(status).phrase}
        if status not in (204, 304):
            made[str(status)]["headers"] = {
                "X-Openstack-Request-Id": {"schema": {"type": "string"}}}
    for code in sorted(refusals(endpoints)):
        made[str(code)] = {"$ref": "#/components/responses/Problem"}
    made["default"] = {"$ref": "#/components/responses/Problem"}
    return made


def refusals(endpoints: list[Endpoint]) -> set[int]:
    """The codes that follow from what is declared. Others follow from what a handler finds."""
    codes = set()
    for endpoint in endpoints:
        if endpoint.policy != PUBLIC:
            codes.add(401)
            if endpoint.policy != ANYONE:
                codes.add(403)
        if endpoint.body is not None or endpoint.query is not None:
            codes.add(400)
        if PARAMETER.search(endpoint.path):
            codes.add(404)
    return codes


class Shared:
    """Schemas that others refer to: those of `definitions` stand at the document's root."""

    def __init__(self) -> None:
        self.schemas: Json = {}

    def take(self, schema: Schema) -> Json:
        """The schema as it stands in the document. Raises ValueError."""
        own = dict(schema)
        for name, definition in own.pop("definitions", {}).items():
            placed = self._placed(definition)
            if self.schemas.setdefault(name, placed) != placed:
                raise ValueError(f"{name} is defined twice, and differently")
        placed = self._placed(own)
        assert isinstance(placed, dict)
        return placed

    def _placed(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._reference(one) if key == "$ref" else self._placed(one)
                    for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._placed(one) for one in value]
        if isinstance(value, set | frozenset):
            return sorted(value)
        return value

    @staticmethod
    def _reference(target: Any) -> Any:
        return str(target).replace("#/definitions/", "#/components/schemas/")
