"""Endpoints as data: method, path, policy, body, status and versions said once, by the function.

The same declarations are served by Flask (wsgi.py), printed in the API reference, and walked by
the contract tests; there is no second list to keep. A handler is a plain typed function:

    handler(component, ctx, **path_arguments[, body=Document][, query=MultiDict][, request=...])
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partialmethod
from typing import Any

import jsonschema_rs

from cairn.common import names
from cairn.common.errors import Invalid
from cairn.common.policy import BASE, Rules

PUBLIC = "public"  # Needs no token: version documents, and asking for a token.
ANYONE = "anyone"  # Any valid token, whatever its scope.

Document = dict[str, Any]
Schema = Mapping[str, Any]
Version = tuple[int, int]


@dataclass(frozen=True)
class Reply:
    """An answer that is more than a document with the declared status."""

    body: Document | list[Any] | bytes | str | Iterable[bytes] | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[..., "Document | Reply | None"]


@dataclass(frozen=True)
class Endpoint:
    """One declaration. `since`/`until` are the microversions that have it, both inclusive."""

    method: str
    path: str
    policy: str
    status: int
    body: Schema | None
    query: Schema | None
    func: Handler
    since: Version | None = None
    until: Version | None = None
    # The handler itself holds the caller against `policy`, once it knows the target.
    late: bool = False
    # The handler reads the request's stream and headers itself.
    raw: bool = False
    # The type of the event that it records when it succeeds, without .start, .end or .error.
    event: str | None = None
    # Why it records none, though its method says that it changes something.
    changes_nothing: str | None = None
    # "action" names the single key of a body that selects this endpoint among several of one path.
    action: str | None = None
    # The codes beside `status` that its answers may have, as an upsert's of what was there.
    also: tuple[int, ...] = ()
    check_body: "Validator | None" = None
    check_query: "Validator | None" = None

    def speaks(self, version: Version) -> bool:
        return (self.since is None or version >= self.since) and (
            self.until is None or version <= self.until
        )


class Api:
    """One resource's endpoints. None can be declared without naming its policy."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.endpoints: list[Endpoint] = []

    def on(
        self, method: str, path: str, *, policy: str, status: int = 200,
        body: Schema | None = None, query: Schema | None = None, since: str | None = None,
        until: str | None = None, late: bool = False, raw: bool = False, action: str | None = None,
        event: str | None = None, changes_nothing: str | None = None, also: tuple[int, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare an endpoint.

        `body` and `query` are JSON Schemas; `query` is held against {name: [values]}. Several
        declarations may share method and path if their versions or their `action` differ.
        `event` is the type of what it records when it succeeds (events.py); who changes nothing
        in spite of its method says why in `changes_nothing`. A handler whose Reply may have another
        code than `status` says which in `also`, for the reference. Raises KeyError when `policy`
        names a rule nobody wrote, ValueError for both `event` and `changes_nothing`.
        """
        if event and changes_nothing:
            raise ValueError(f"{method} {path} records {event} and changes nothing")
        if policy not in (PUBLIC, ANYONE) and policy not in self.rules and policy not in BASE:
            raise KeyError(f"{method} {path} names a policy nobody wrote: {policy}")

        def declare(func: Handler) -> Handler:
            self.endpoints.append(Endpoint(
                method, path, policy, status, body, query, func,
                parse_version(since) if since else None, parse_version(until) if until else None,
                late, raw, event, changes_nothing, action, also,
                Validator(body, looks_up=policy == PUBLIC) if body is not None else None,
                Validator(query, "query") if query is not None else None,
            ))
            return func

        return declare

    get = partialmethod(on, "GET")
    post = partialmethod(on, "POST")
    put = partialmethod(on, "PUT")
    patch = partialmethod(on, "PATCH")
    delete = partialmethod(on, "DELETE")
    head = partialmethod(on, "HEAD")


def parse_version(text: str) -> Version:
    """ "2.30" as (2, 30). Raises ValueError."""
    match = re.fullmatch(r"([1-9]\d*)\.(0|[1-9]\d*)", text)
    if match is None:
        raise ValueError(text)
    return int(match[1]), int(match[2])


def _bounded(schema: Any, formats: dict[str, Callable[[str], bool]]) -> Any:
    """The schema, in which a text that is a number may be no other number than the number itself:
    to JSON Schema, minimum and maximum are of numbers alone. Adds what the formats check."""
    if isinstance(schema, list):
        return [_bounded(item, formats) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _bounded(item, formats) for name, item in schema.items()}
    kinds, bounds = schema.get("type"), [name for name in _BOUNDS if name in schema]
    if not isinstance(kinds, list) or "string" not in kinds or not bounds:
        return made
    kind = "number " + " and ".join(f"{_BOUNDS[name]} {schema[name]}" for name in bounds)
    least, above, most = (schema.get(name) for name in _BOUNDS)

    def fits(text: str) -> bool:
        if _DECIMAL.fullmatch(text) is None:
            return True  # Whether it may be no number is the pattern's to say.
        number = float(text)
        return ((least is None or number >= least) and (above is None or number > above)
                and (most is None or number <= most))

    formats[kind] = fits
    return made | {"format": kind}


_BOUNDS = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "of at most"}
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def _short(text: str) -> str:
    """Without the middle of what is long: a refusal need not say again all that was sent."""
    return text if len(text) <= 600 else f"{text[:300]} ... {text[-300:]}"


class Validator:
    """A compiled JSON Schema whose refusals name the field."""

    def __init__(self, schema: Schema, whole: str = "body", *, looks_up: bool = False) -> None:
        """`looks_up`: its names are only looked up, and may be what no new one may be."""
        self.whole = whole
        self._names = {} if looks_up else names.within(schema)
        formats: dict[str, Callable[[str], bool]] = {}
        self._compiled = jsonschema_rs.validator_for(
            _bounded(dict(schema), formats), validate_formats=True, formats=formats)

    def __call__(self, document: Any) -> None:
        """Raises Invalid, naming the place and what was expected there."""
        if self._compiled.is_valid(document):
            if self._names:
                self._check_names(document)
            return
        error = next(iter(self._compiled.iter_errors(document)))
        where = _short(".".join(map(str, error.instance_path))) or self.whole
        wrong = _short(error.message)
        # The facts beside the sentence are for services that word it in their own way.
        raise Invalid(reason=f"Invalid input for field/attribute {where}. {wrong}",
                      whole=self.whole, where=where, wrong=wrong,
                      keyword=str(error.schema_path[-1]) if error.schema_path else "")

    def _check_names(self, document: Any) -> None:
        for path in names.bad(self._names, document):
            where = ".".join(path)
            wrong = "A name has no control characters or line breaks"
            raise Invalid(reason=f"Invalid input for field/attribute {where}. {wrong}.",
                          whole=self.whole, where=where, wrong=wrong, keyword="pattern")
