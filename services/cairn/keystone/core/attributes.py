"""What any resource may carry: attributes of the user's own, options, an id that never changes."""

from collections.abc import Collection, Mapping

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.keystone.errors import Immutable


def merge_extra(extra: Document, request: Document, own: Collection[str]) -> Document:
    """The attributes of the user's own after a change; `own` are the resource's."""
    return {**extra, **{k: v for k, v in request.items() if k not in own}}


def merge_options(now: Document, request: Document, types: Mapping[str, type]) -> Document:
    """Options after a change: null takes one away. Raises Invalid for one nobody knows."""
    options = dict(now)
    for name, value in request.items():
        if name not in types or not (value is None or isinstance(value, types[name])):
            raise Invalid(reason=f"Invalid input for field/attribute options.{name}. "
                                 f"{value!r} is not valid; there are: {', '.join(types)}")
        options[name] = value
        if value is None:
            del options[name]
    return options


def refuse_immutable(
    options: Document, kind: str, id_: str, request: Document | None = None
) -> None:
    """Hold a change, or a deletion, against the option `immutable`. Raises Immutable, unless the
    change is what makes it mutable again, and nothing else."""
    freed = (
        request is not None and set(request) == {"options"}
        and request["options"].get("immutable", True) in (False, None)
    )
    if options.get("immutable") and not freed:
        raise Immutable(kind=kind, id=id_)


def refuse_new_id(request: Document, id_: str) -> None:
    """Hold a change against the id. Raises Invalid for a change of what never changes."""
    if request.get("id") not in (None, id_):
        raise Invalid(reason="Invalid input for field/attribute id. Cannot change ID")


def refuse_new_domain(request: Document, domain_id: str) -> None:
    """Hold a change against the domain. Raises Invalid for a change of what never changes."""
    if request.get("domain_id", domain_id) != domain_id:
        raise Invalid(reason="Invalid input for field/attribute domain_id. Cannot change Domain ID")
