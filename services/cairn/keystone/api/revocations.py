"""/v3/OS-REVOKE/events: which tokens hold no more; `cairn` has it as our verifiers read it."""

import datetime as dt
from dataclasses import asdict
from urllib.parse import urlencode

import flask

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.tokens import Revocation
from cairn.keystone.api.views import QUERY, collection
from cairn.keystone.component import Keystone
from cairn.keystone.core import changes
from cairn.keystone.core.listing import Query
from cairn.keystone.policy import RULES
from cairn.keystone.providers import revocations

api = Api(RULES)
# Events in one answer, however many there are.
PAGE = 1000


def _view(event: Revocation) -> Document:
    fields = asdict(event)
    told = {name: fields[name] for name in changes.FIELDS if fields[name] is not None}
    return {**told, "issued_before": changes.iso(event.issued_before), "cairn": fields}


@api.get("/OS-REVOKE/events", policy="identity:list_revoke_events", query=QUERY)
def events(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """Those that count since the moment `since`; where there are more, with a link to the next."""
    limit = min(_number(query, "limit") or PAGE, PAGE)
    with keystone.db.reading() as session:
        rows = revocations.since(session, _moment(query), _number(query, "marker"), limit + 1)
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        kept = {k: v for k, v in flask.request.args.items() if k != "marker"}
        following = f"{flask.request.base_url}?{urlencode({**kept, 'marker': rows[-1].id})}"
    return collection("events", [_view(revocations.event(row)) for row in rows], following)


def _moment(query: Query) -> float:
    if not query.get("since"):
        return 0.0
    try:
        since = dt.datetime.fromisoformat(query.get("since"))
        return since.replace(tzinfo=since.tzinfo or dt.UTC).timestamp()
    except (ValueError, OverflowError) as wrong:
        raise Invalid(reason="Invalid input for field/attribute since. "
                             "It must be an ISO 8601 moment.") from wrong


def _number(query: Query, name: str) -> int:
    text = str(query.get(name) or "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(reason=f"Invalid input for field/attribute {name}. "
                             "It must be an integer of 0 or more.")
    return int(text)
