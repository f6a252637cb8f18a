"""What is kept encrypted: users' credentials, consumers' and tokens' secrets, passwords in domains'
configurations."""

from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.keystone.db.configuration import DomainOption
from cairn.keystone.db.models import Credential
from cairn.keystone.db.oauth1 import AccessToken, Consumer, RequestToken
from cairn.keystone.providers.encryption import Encryption, Unreadable

# Every column whose values are encrypted; DomainOption's where `secret` says so.
ENCRYPTED: tuple[tuple[Any, str], ...] = (
    (Credential, "blob"), (Consumer, "secret"), (RequestToken, "secret"), (AccessToken, "secret"),
    (DomainOption, "value"),
)


def list_encrypted(session: Session) -> Iterator[tuple[Any, str]]:
    """Every row that holds something encrypted, and the name of the column."""
    for model, column in ENCRYPTED:
        query = select(model)
        if model is DomainOption:
            query = query.where(DomainOption.secret.is_(True))
        for row in session.scalars(query):
            yield row, column


def list_unreadable(encryption: Encryption, session: Session) -> list[str]:
    """What no key opens, in words."""
    unreadable = []
    for row, column in list_encrypted(session):
        try:
            encryption.decrypt(getattr(row, column))
        except Unreadable:
            name = getattr(row, "id", None) or f"{row.domain_id} {row.section}/{row.name}"
            unreadable.append(f"{row.__tablename__} {name}")
    return unreadable


def encrypt_again(encryption: Encryption, db: Database) -> tuple[int, list[str]]:
    """Encrypt all with the key in use; how many were not yet, and what no key opens."""
    newest = encryption.newest()
    with db.reading() as session:
        stale = [(type(row), _key(row), column) for row, column in list_encrypted(session)
                 if not _opens(newest, getattr(row, column))]
        lost = set(list_unreadable(encryption, session)) if stale else set()
    changed = 0
    for model, key, column in stale:
        with db.writing() as session:
            row = session.get(model, key, with_for_update=True)
            if row is None or _opens(newest, getattr(row, column)):
                continue
            try:
                setattr(row, column, encryption.encrypt(encryption.decrypt(getattr(row, column))))
                changed += 1
            except Unreadable:
                continue  # Among the lost.
    return changed, sorted(lost)


def _key(row: Any) -> Any:
    return tuple(getattr(row, column.name) for column in row.__table__.primary_key)


def _opens(key: Fernet, text: str) -> bool:
    try:
        key.decrypt(text.encode())
    except InvalidToken:
        return False
    return True
