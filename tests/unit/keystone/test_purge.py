"""What keystone forgets: what has long expired, and revocations of tokens that no more live."""

import datetime as dt
import time

import pytest
from sqlalchemy import select

from cairn.common.db import utcnow
from cairn.keystone.core import purge
from cairn.keystone.db import models as m
from cairn.keystone.db.oauth1 import AccessToken, Consumer, RequestToken
from cairn.keystone.settings import ApiSettings


def ago(days):
    return utcnow() - dt.timedelta(days=days)


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    db = request.getfixturevalue(request.param)(m.Base)
    with db.writing() as session:
        session.add(m.Project(id="d", name="d", domain_id=m.ROOT, is_domain=True))
        session.add(m.Project(id="p", name="p", domain_id="d"))
        session.add(m.User(id="u", name="u", domain_id="d"))
        session.add(m.Role(id="r", name="r", domain_id=m.ROOT))
    return db


def forget(db):
    return {what: n for what, n in purge.make(ApiSettings(), db).run().items() if n}


def left(db, column):
    with db.reading() as session:
        return set(session.scalars(select(column)))


def test_trusts(db):
    with db.writing() as session:
        for name, more in {
            "old": {"expires_at": ago(31)}, "late": {"expires_at": ago(29)}, "ever": {},
            "used": {"remaining_uses": 0, "created_at": ago(31)},
            "new": {"remaining_uses": 0}, "open": {"remaining_uses": 1, "created_at": ago(31)},
        }.items():
            session.add(m.Trust(id=name, trustor_user_id="u", trustee_user_id="u", project_id="p",
                                impersonation=False, **more))
            session.flush()
            session.add(m.TrustRole(trust_id=name, role_id="r"))
    assert forget(db) == {"expired trusts": 1, "used up trusts": 1}
    assert left(db, m.Trust.id) == left(db, m.TrustRole.trust_id) == {
        "late", "ever", "new", "open"}


def test_application_credentials_with_the_rules_that_nothing_else_uses(db):
    with db.writing() as session:
        for rule in ("mine", "shared", "loose"):
            session.add(m.AccessRule(id=rule, user_id="u", service="compute", method="GET",
                                     path=f"/{rule}", digest=rule))
        for name, end, rules in (("old", ago(31), ("mine", "shared")),
                                 ("late", ago(1), ("shared",)), ("ever", None, ())):
            session.add(m.ApplicationCredential(id=name, name=name, user_id="u", project_id="p",
                                                secret_hash="", expires_at=end))
            session.flush()
            for rule in rules:
                session.add(m.ApplicationCredentialRule(
                    application_credential_id=name, access_rule_id=rule))
    assert forget(db) == {"expired application credentials": 1}
    assert left(db, m.ApplicationCredential.id) == {"late", "ever"}
    assert left(db, m.AccessRule.id) == {"shared", "loose"}


def test_oauth1_tokens(db):
    with db.writing() as session:
        session.add(Consumer(id="c", secret=""))
        session.flush()
        for name, end in (("old", ago(31)), ("late", ago(1)), ("ever", None)):
            session.add(RequestToken(id=name, secret="", consumer_id="c", project_id="p",
                                     expires_at=end))
            session.add(AccessToken(id=name, secret="", consumer_id="c", project_id="p",
                                    user_id="u", expires_at=end))
    assert forget(db) == {"expired request tokens": 1, "expired access tokens": 1}


def test_revocations_outlive_every_token_they_end(db):
    settings = ApiSettings().tokens
    lifetime = settings.expiration + settings.allow_expired_window
    with db.writing() as session:
        for name, seconds in (("dead", lifetime + 60), ("living", lifetime - 60), ("new", 0)):
            session.add(m.Revoked(issued_before=time.time() - seconds, audit_id=name))
    assert forget(db) == {"revocations": 1}
    assert left(db, m.Revoked.audit_id) == {"living", "new"}
