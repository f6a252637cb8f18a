"""What was revoked, as verifiers elsewhere read it."""

from cairn.common.listing import Part
from cairn.keystone.component import Keystone
from cairn.keystone.db.models import Revoked
from cairn.keystone.providers.revocations import SINCE, event

__all__ = ["event", "list_since"]


def list_since(keystone: Keystone, moment: float, after: int, limit: int) -> Part:
    """At most `limit` rows that count from `moment` (Unix seconds) on, of those after that number:
    in the order of their numbers, which do not change."""
    with keystone.db.reading() as session:
        rows = session.execute(
            SINCE.where(Revoked.__table__.c.id > after).limit(limit + 1), {"moment": moment}
        ).all()
    return Part(rows[:limit], len(rows) > limit)
