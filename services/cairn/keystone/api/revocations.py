"""/v3/OS-REVOKE/events: which tokens hold no more; `cairn` has it as our verifiers read it."""

import datetime as dt
from dataclasses import asdict

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.tokens import Revocation
from cairn.keystone.api.views import QUERY, collection
from cairn.keystone.component import Keystone
from cairn.keystone.core import changes
from cairn.keystone.core.listing import Query
from cairn.keystone.policy import RULES

api = Api(RULES)


def _view(event: Revocation) -> Document:
    fields = asdict(event)
    told = {name: fields[name] for name in changes.FIELDS if fields[name] is not None}
    return {**told, "issued_before": changes.iso(event.issued_before), "cairn": fields}


@api.get("/OS-REVOKE/events", policy="identity:list_revoke_events", query=QUERY)
def events(keystone: Keystone, ctx: Context, query: Query) -> Document:
    moment = 0.0
    if query.get("since"):
        try:
            since = dt.datetime.fromisoformat(query.get("since"))
        except ValueError as wrong:
            raise Invalid(reason="Invalid input for field/attribute since. "
                                 "It must be an ISO 8601 moment.") from wrong
        moment = since.replace(tzinfo=since.tzinfo or dt.UTC).timestamp()
    with keystone.db.reading() as session:
        return collection("events", map(_view, changes.since(session, moment)))
