"""/v3/OS-REVOKE/events: which tokens hold no more; `cairn` has it as our verifiers read it."""

import datetime as dt
from dataclasses import asdict

from cairn.common.api import Api, Document
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Query, read_limit, read_value
from cairn.common.tokens import Revocation
from cairn.keystone.api.views import collection, link_to_next
from cairn.keystone.component import Keystone
from cairn.keystone.core import changes, revocations
from cairn.keystone.core.listing import read_only
from cairn.keystone.policy import RULES

api = Api(RULES)
# Events in one answer, however many there are.
PAGE = 1000
QUERY = read_only("since", "limit", "marker")


def _view(event: Revocation) -> Document:
    fields = asdict(event)
    told = {name: fields[name] for name in changes.FIELDS if fields[name] is not None}
    return {**told, "issued_before": changes.iso(event.issued_before), "cairn": fields}


@api.get("/OS-REVOKE/events", policy="identity:list_revoke_events", query=QUERY)
def events(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the revocations that count since the moment `since`, at most 1000 at a time."""
    limit = min(read_limit(query) or PAGE, PAGE)
    part = revocations.list_since(keystone, _moment(query), _marker(query), limit)
    following = link_to_next(str(part.rows[-1].id)) if part.more else None
    return collection("events", [_view(revocations.event(row)) for row in part.rows], following)


def _moment(query: Query) -> float:
    text = read_value(query, "since")
    if not text:
        return 0.0
    try:
        since = dt.datetime.fromisoformat(text)
        return since.replace(tzinfo=since.tzinfo or dt.UTC).timestamp()
    except (ValueError, OverflowError) as wrong:
        raise Invalid(reason="Invalid input for field/attribute since. "
                             "It must be an ISO 8601 moment.") from wrong


def _marker(query: Query) -> int:
    number = parse_whole(read_value(query, "marker") or "0")
    if number is None:
        raise Invalid(reason="Invalid input for field/attribute marker. "
                             "It must be an integer of 0 or more.")
    return number
