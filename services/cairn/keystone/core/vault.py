"""What is kept encrypted: users' credentials, consumers' and tokens' secrets, passwords in domains'
configurations. The highest key encrypts, all of them decrypt (keys.py), so that they turn without
losing anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.common.errors import Unavailable
from cairn.common.tokens import Watched
from cairn.keystone.core import keys
from cairn.keystone.db.configuration import DomainOption
from cairn.keystone.db.models import Credential
from cairn.keystone.db.oauth1 import AccessToken, Consumer, RequestToken

# Every column whose values are encrypted; DomainOption's where `secret` says so.
SEALED: tuple[tuple[Any, str], ...] = (
    (Credential, "blob"), (Consumer, "secret"), (RequestToken, "secret"), (AccessToken, "secret"),
    (DomainOption, "value"),
)


class Unreadable(Unavailable):
    message = (
        "What is kept here cannot be decrypted with the keys there are; run cairn-manage keystone "
        "doctor."
    )


class Vault:
    """Reads its keys when first used: a cloud without credentials needs none."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._watched = Watched(self.folder)
        self._fernet: MultiFernet | None = None

    def close(self, text: str) -> str:
        return self._keys().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises Unreadable where the key is gone."""
        try:
            return self._keys().decrypt(sealed.encode()).decode()
        except InvalidToken as wrong:
            raise Unreadable from wrong

    def newest(self) -> Fernet:
        """The key in use alone."""
        number = keys.numbers(self.folder, "key")[-1]
        return Fernet((self.folder / f"{number}.key").read_bytes().strip())

    def _keys(self) -> MultiFernet:
        try:
            if not self._watched.changed() and self._fernet is not None:
                return self._fernet
        except FileNotFoundError:
            pass
        for _ in range(3):
            try:
                self._fernet = MultiFernet(self._read())
                return self._fernet
            except FileNotFoundError:  # Renamed, or taken away, at this moment.
                continue
        raise Unavailable(reason=f"The keys in {self.folder} are being changed; try again.")

    def _read(self) -> list[Fernet]:
        used, waiting = keys.numbers(self.folder, "key"), keys.numbers(self.folder, "next")
        if not used:
            raise Unavailable(
                reason=f"There is no key in {self.folder} to encrypt credentials with; run "
                       "cairn-manage keystone bootstrap."
            )
        # A key that is next decrypts already: another controller may be ahead.
        names = [f"{n}.key" for n in reversed(used)] + [f"{n}.next" for n in reversed(waiting)]
        return [Fernet((self.folder / name).read_bytes().strip()) for name in names]


def make_first_key(folder: str, pretend: bool = False) -> bool:
    """Give the folder a key if it has none, readable by whoever may read the folder."""
    place = Path(folder)
    if place.exists() and keys.numbers(place, "key"):
        return False
    if not pretend:
        place.mkdir(parents=True, exist_ok=True)
        keys.place(place, "1.key", Fernet.generate_key() + b"\n")
    return True


def sealed(session: Session) -> Iterator[tuple[Any, str]]:
    """Every row that holds something encrypted, and the name of the column."""
    for model, column in SEALED:
        wanted = select(model)
        if model is DomainOption:
            wanted = wanted.where(DomainOption.secret.is_(True))
        for row in session.scalars(wanted):
            yield row, column


def unreadable(vault: Vault, session: Session) -> list[str]:
    """What no key opens, in words."""
    found = []
    for row, column in sealed(session):
        try:
            vault.open(getattr(row, column))
        except Unreadable:
            name = getattr(row, "id", None) or f"{row.domain_id} {row.section}/{row.name}"
            found.append(f"{row.__tablename__} {name}")
    return found


def migrate(vault: Vault, db: Database) -> tuple[int, list[str]]:
    """Encrypt all with the key in use; how many were not yet, and what no key opens."""
    newest = vault.newest()
    with db.reading() as session:
        stale = [(type(row), _key(row), column) for row, column in sealed(session)
                 if not _opens(newest, getattr(row, column))]
        lost = set(unreadable(vault, session)) if stale else set()
    changed = 0
    for model, key, column in stale:
        with db.writing() as session:
            row = session.get(model, key, with_for_update=True)
            if row is None or _opens(newest, getattr(row, column)):
                continue
            try:
                setattr(row, column, vault.close(vault.open(getattr(row, column))))
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
