"""What the queries of lists may say, for the reference. Any text is let through: the listing reads
it, and names what it does not know."""

from collections.abc import Mapping

from cairn.common.api import Schema
from cairn.neutron.core.kinds import Kind

_FIELDS = {"fields": "The attributes to answer with; all where none is named."}
_PAGES = {
    **_FIELDS, "limit": "How many at most; 0 is all.", "marker": "The id of the last one before.",
    "page_reverse": "Whether to go back: to what comes before the marker.",
    "sort_key": "An attribute to sort by, one or several.",
    "sort_dir": "asc or desc, at most one for each sort_key.",
}
_LABELS = {
    "tags": "Labels, by commas: those with all of them.",
    "tags-any": "Labels, by commas: those with one of them.",
    "not-tags": "Labels, by commas: those that lack one of them.",
    "not-tags-any": "Labels, by commas: those with none of them.",
}
_FILTERS = {
    "changed_since": "A time in UTC, YYYY-MM-DDTHH:MM:SS[Z]: those changed then or later.",
    "fixed_ips": "ip_address=A, subnet_id=S or ip_address_substr=P; other names narrow it.",
    "security_groups": "The ids of security groups: ports in any of them.",
    "ip_allocation": "immediate (with addresses) or none.",
}
_FORMS = {bool: "true or false", int: "An integer."}


def _query(names: Mapping[str, str]) -> Schema:
    """A query of these names, each with what it says: "" where the name says it."""
    return {"type": "object", "properties": {
        name: {"type": "array", "items": {"type": "string"},
               **({"description": meaning} if meaning else {})}
        for name, meaning in names.items()}}


# About one thing.
ONE = _query(_FIELDS)


def filtered(*names: str) -> Schema:
    """To a list that has filters, and neither pages nor an order to choose."""
    return _query({**dict.fromkeys(names, ""), **_FIELDS})


def listed(kind: Kind, *more: str) -> Schema:
    """To a list of the kind, with its filters and `more`."""
    types = kind.findable | dict.fromkeys(more, str)
    return _query({
        **{name: _FILTERS.get(name) or _FORMS.get(types[name], "") for name in sorted(types)},
        **(_LABELS if kind.labelled else {}), **_PAGES,
    })
