"""What keystone forgets, and what bounds the rest."""

import datetime as dt
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.db import Database
from cairn.common.purge import DAY, Age, Purge, drop, ended
from cairn.keystone.db.models import (
    AccessRule,
    ApplicationCredential,
    ApplicationCredentialRule,
    Event,
    EventReader,
    Revoked,
    Trust,
)
from cairn.keystone.db.oauth1 import AccessToken, RequestToken
from cairn.keystone.providers.revocations import RevocationReader
from cairn.keystone.settings import ApiSettings

# It has no worker; a thread more of the APIs' process is the cheapest place there is.
PROCESS = "keystone-api"

_USER, _PROJECT, _ADMIN = "goes with its user", "goes with its project", "the operator's"
KEPT = {
    "projects": _ADMIN, "project_tags": _PROJECT, "users": _ADMIN, "groups": _ADMIN,
    "memberships": _USER, "roles": _ADMIN, "implied_roles": _ADMIN,
    "assignments": "goes with its user, its project or its role",
    "regions": _ADMIN, "services": _ADMIN, "endpoints": _ADMIN, "endpoint_groups": _ADMIN,
    "project_endpoints": _PROJECT, "project_endpoint_groups": _PROJECT,
    "policies": _ADMIN, "policy_associations": _ADMIN, "registered_limits": _ADMIN,
    "limits": _PROJECT, "domain_options": "goes with its domain",
    "credentials": "goes with its user, or its project",
    "past_passwords": "unique_last_password_count of each user",
    "oauth1_nonces": "those of the last minutes; each login forgets older",
    "consumers": _ADMIN, "stamps": "a row for each thing that is counted",
    "trust_roles": "goes with its trust",
    "application_credential_roles": "goes with its application credential",
    "application_credential_rules": "goes with its application credential",
    "periodic": "one row for each periodic thing",
}


def make(settings: ApiSettings, db: Database, cloud: object = None) -> Purge:
    """What keystone forgets, and at what age."""
    own, tokens = settings.purge, settings.tokens
    expired = own.expired_days * DAY
    # No living token is older; a transaction that began before may be yet to commit.
    lifetime = tokens.expiration + tokens.allow_expired_window + RevocationReader.overlap
    return Purge(db, own, (
        Age("revocations", ("revocations",), lifetime, revocations),
        Age("expired trusts", ("trusts",), expired, ended(
            Trust, Trust.id, Trust.expires_at)),
        Age("used up trusts", ("trusts",), expired, ended(
            Trust, Trust.id, Trust.created_at, Trust.remaining_uses == 0)),
        Age("expired application credentials", ("application_credentials", "access_rules"),
            expired, application_credentials),
        Age("expired request tokens", ("oauth1_request_tokens",), expired, ended(
            RequestToken, RequestToken.id, RequestToken.expires_at)),
        Age("expired access tokens", ("oauth1_access_tokens",), expired, ended(
            AccessToken, AccessToken.id, AccessToken.expires_at)),
        events.age(Event, EventReader, own),
    ))


def revocations(session: Session, before: dt.datetime, limit: int) -> int:
    """Forget at most `limit` revocations of before that moment; how many went."""
    moment = before.replace(tzinfo=dt.UTC).timestamp()
    keys = session.scalars(
        select(Revoked.id).where(Revoked.issued_before < moment)
        .order_by(Revoked.issued_before).limit(limit)
    ).all()
    return drop(session, Revoked, Revoked.id.in_(keys)) if keys else 0


def application_credentials(session: Session, before: dt.datetime, limit: int) -> int:
    """With the access rules that nothing else uses any more."""
    keys = session.scalars(
        select(ApplicationCredential.id).where(ApplicationCredential.expires_at < before)
        .order_by(ApplicationCredential.expires_at).limit(limit)
    ).all()
    if not keys:
        return 0
    link: Any = ApplicationCredentialRule
    rules = session.scalars(select(link.access_rule_id).where(
        link.application_credential_id.in_(keys)).distinct()).all()
    gone = drop(session, ApplicationCredential, ApplicationCredential.id.in_(keys),
                ApplicationCredential.expires_at < before)
    if rules:
        drop(session, AccessRule, AccessRule.id.in_(rules),
             ~exists().where(link.access_rule_id == AccessRule.id))
    return gone
