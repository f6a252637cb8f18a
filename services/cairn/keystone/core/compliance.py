"""What security_compliance asks of accounts and passwords. A setting of 0, or none, asks nothing.

Failed logins are counted by one UPDATE of its own, so that many at once are many; a password that
was found right counts only if the account was not locked while it was being hashed. A login that
needs no hash, as most do, asks nothing more of the database than the row it reads anyway.
"""

import datetime as dt
from functools import cache
from typing import Any, Protocol

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.orm import Session

from cairn.common import patterns
from cairn.common.api import Document
from cairn.common.db import Database, utcnow
from cairn.common.errors import Invalid
from cairn.common.settings import BadSetting
from cairn.keystone.core.person import Person
from cairn.keystone.db.accounts import PastPassword
from cairn.keystone.db.models import User
from cairn.keystone.providers import passwords
from cairn.keystone.settings import ComplianceSettings

_user = User.__table__.c
_STANDING = select(_user.failures, _user.failed_at, _user.options).where(
    _user.id == bindparam("id")
)


class Account(Protocol):
    """A user's row, of whichever query."""

    options: Any
    failures: Any
    failed_at: Any
    last_active_at: Any
    created_at: Any


def check_settings(settings: ComplianceSettings) -> None:
    """Hold the settings against what can be asked of passwords. Raises BadSetting."""
    try:
        _strong(settings.password_regex)
    except ValueError as wrong:
        raise BadSetting(f"[security_compliance] password_regex: {wrong}") from wrong


@cache
def _strong(pattern: str) -> patterns.Search:
    return patterns.bounded(f"^(?:{pattern})")


def locked(settings: ComplianceSettings, account: Account) -> bool:
    """Whether too many wrong passwords were tried, too short a time ago."""
    limit = settings.lockout_failure_attempts
    if (limit <= 0 or account.failures < limit
            or _option(account, "ignore_lockout_failure_attempts")):
        return False
    return (
        settings.lockout_duration <= 0 or account.failed_at is None
        or account.failed_at + dt.timedelta(seconds=settings.lockout_duration) > utcnow()
    )


def locked_meanwhile(db: Database, settings: ComplianceSettings, user_id: str) -> bool:
    """As `locked`, asked again: to hash a password takes long enough for others to have failed."""
    if settings.lockout_failure_attempts <= 0:
        return False
    with db.reading() as session:
        account: Any = session.execute(_STANDING, {"id": user_id}).first()
    return account is None or locked(settings, _Standing(*account))


class _Standing:
    last_active_at = created_at = None

    def __init__(self, failures: int, failed_at: Any, options: Any) -> None:
        self.failures, self.failed_at, self.options = failures, failed_at, options


def failed(db: Database, settings: ComplianceSettings, user_id: str) -> None:
    """Count a wrong password. What led to a lock that has ended counts no more."""
    limit = settings.lockout_failure_attempts
    if limit <= 0:
        return
    now = utcnow()
    count: Any = User.failures + 1
    free: Any = User.failures < limit
    if settings.lockout_duration > 0:
        over = User.failed_at <= now - dt.timedelta(seconds=settings.lockout_duration)
        count = case((~free & over, 1), else_=count)
        free = free | over
    with db.writing() as session:
        # In this order: MariaDB lets a later assignment see what an earlier one made.
        session.execute(
            update(User).where(User.id == user_id, free)
            .ordered_values((User.failures, count), (User.failed_at, now))
            .execution_options(synchronize_session=False)
        )


def succeeded(db: Database, settings: ComplianceSettings, person: Person) -> None:
    """A login is complete. Writes only what has changed: at most once a day, or after a failure."""
    today = utcnow().date()
    values: Document = {}
    if person.failures:
        values |= {"failures": 0, "failed_at": None}
    if settings.disable_user_account_days_inactive > 0 and person.last_active_at != today:
        values["last_active_at"] = today
    if values:
        with db.writing() as session:
            session.execute(
                update(User).where(User.id == person.id).values(**values)
                .execution_options(synchronize_session=False)
            )


def inactive(settings: ComplianceSettings, account: Account) -> bool:
    """Whether the account has not logged in for as many days as make it count as disabled; one that
    never did counts from the day it was created."""
    days = settings.disable_user_account_days_inactive
    if days <= 0 or _option(account, "ignore_user_inactivity"):
        return False
    last: dt.date = account.last_active_at or account.created_at.date()
    return (utcnow().date() - last).days >= days


def expired(account: Any) -> bool:
    """Whether the password is no good any more, but for choosing another."""
    end: dt.datetime | None = account.password_expires_at
    return end is not None and end <= utcnow() and not _option(account, "ignore_password_expiry")


def check(settings: ComplianceSettings, password: str) -> None:
    """Hold a new password against password_regex. Raises Invalid for a new password that is too
    weak."""
    if settings.password_regex and not _strong(settings.password_regex)(password):
        what = settings.password_regex_description or "it is too weak"
        raise Invalid(reason=f"The password does not match the requirements: {what}.")


def check_change(
    settings: ComplianceSettings, session: Session, user: User, password: str
) -> None:
    """Whether the user may choose this password, now. Raises Invalid."""
    if user.options.get("lock_password"):
        raise Invalid(reason="You cannot change your password at this time due to password policy "
                             "disallowing password changes. Please contact your administrator to "
                             "reset your password.")
    days = settings.minimum_password_age
    if days > 0 and user.password_self_service and user.password_set_at is not None:
        left = user.password_set_at + dt.timedelta(days=days) - utcnow()
        if left > dt.timedelta():
            raise Invalid(reason="You cannot change your password at this time due to the minimum "
                                 f"password age: it must be used for {days} day(s). Please try "
                                 f"again in {left.days} day(s) or contact your administrator to "
                                 "reset your password.")
    count = settings.unique_last_password_count
    if count > 0:
        past = session.scalars(
            select(PastPassword.password_hash).where(PastPassword.user_id == user.id)
            .order_by(PastPassword.id.desc()).limit(count - 1)
        )
        for stored in (user.password_hash, *past):
            if stored is not None and passwords.agrees(stored, password):
                raise Invalid(reason="The new password cannot be identical to a previous "
                                     "password. The total number which includes the new password "
                                     f"must be unique is {count}.")


def set_password(
    settings: ComplianceSettings, session: Session, user: User, stored: str | None, *,
    by_user: bool = False,
) -> None:
    """Give a user a password, hashed already, and say how long it is good."""
    keep = settings.unique_last_password_count - 1
    if user.id is not None and user.password_hash is not None and keep > 0:
        session.add(PastPassword(user_id=user.id, password_hash=user.password_hash))
        session.flush()
        mine = select(PastPassword.id).where(PastPassword.user_id == user.id)
        kept = list(session.scalars(mine.order_by(PastPassword.id.desc()).limit(keep)))
        session.execute(delete(PastPassword).where(
            PastPassword.user_id == user.id, PastPassword.id.not_in(kept)
        ))
    now = utcnow()
    user.password_hash, user.password_set_at = stored, now if stored else None
    user.password_self_service, user.password_expires_at = by_user, None
    if stored is None:
        return
    if settings.password_expires_days > 0 and not user.options.get("ignore_password_expiry"):
        ends = now + dt.timedelta(days=settings.password_expires_days)
        user.password_expires_at = ends.replace(microsecond=0)
    if (not by_user and settings.change_password_upon_first_use
            and not user.options.get("ignore_change_password_upon_first_use")):
        user.password_expires_at = now


def _option(account: Account, name: str) -> bool:
    return bool((account.options or {}).get(name))
