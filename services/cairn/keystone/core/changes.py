"""Changes that end tokens: what was revoked is in the database with the change, in this process at
once, and with every other as soon as the bus has told it (or it has asked)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import transient
from cairn.common.errors import Unavailable
from cairn.common.tokens import Revocation
from cairn.keystone.component import Keystone
from cairn.keystone.db.models import Event, Revoked
from cairn.keystone.errors import Taken
from cairn.keystone.providers import directory

FIELDS = ("audit_id", "audit_chain_id", "user_id", "project_id", "domain_id", "role_id",
          "delegation_id")


@dataclass
class Change:
    """One transaction, and the tokens it ends."""

    session: Session
    ctx: Context
    now: float
    rows: list[Revoked] = field(default_factory=list)

    def revoke(self, **who: str | None) -> None:
        """End the tokens that match every given field of tokens.Revocation."""
        row = Revoked(issued_before=self.now, **who)
        self.rows.append(row)
        self.session.add(row)

    def record(
        self, resource: str, verb: str, id_: str, *, project_id: str | None = "", **more: Any
    ) -> None:
        """Tell of it: identity.RESOURCE.VERB, with upstream's fields. `project_id` is the one whose
        the resource is, where it is a project's."""
        Event.record(self.session, self.ctx, f"identity.{resource}.{verb}", resource, id_,
                     {"resource_info": id_, **more}, project_id=project_id or "")

    def add(self, resource: str, row: Any, *, project_id: str | None = "") -> None:
        """A new row, which has its id then, and the event of it."""
        self.session.add(row)
        self.session.flush()
        self.record(resource, "created", row.id, project_id=project_id)

    def touch(self, name: str) -> None:
        """Everybody's copy of the catalog, or of the roles, is old now."""
        directory.touch(self.session, name)


@contextmanager
def changing(
    keystone: Keystone, ctx: Context, kind: str = "", what: str = ""
) -> Iterator[Change]:
    """One transaction. A unique key in its way is Taken(kind, what)."""
    now = keystone.clock.now()
    try:
        with keystone.db.writing() as session:
            change = Change(session, ctx, now)
            yield change
            session.flush()
    except IntegrityError as error:
        raise Taken(kind=kind, what=what) from error
    except DBAPIError as error:
        if not transient(error):
            raise
        raise Unavailable(reason="The database was busy with the same rows; try again.") from error
    if change.rows:
        announce(keystone, ctx, change.rows)


def announce(keystone: Keystone, ctx: Context, rows: list[Revoked]) -> None:
    """Tell everybody. A login that read the state before the commit may have been given a token
    since: so the moment that counts is now, not that of the rows."""
    now = keystone.clock.now()
    with keystone.db.writing() as session:
        session.execute(
            update(Revoked).where(Revoked.id.in_([row.id for row in rows]))
            .values(issued_before=now).execution_options(synchronize_session=False)
        )
    events = [Revocation(now, **{name: getattr(row, name) for name in FIELDS}) for row in rows]
    keystone.verifier.revoke(*events)
    keystone.revocations.revoked(ctx, signed=keystone.signer.revocations(*events))


def iso(seconds: float) -> str:
    """Unix seconds as the API writes moments."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
