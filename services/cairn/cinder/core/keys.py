"""Passphrases of encrypted volumes, each wrapped by a key that no database holds: the deployment's
secret, which controllers alone know."""

import base64
import hashlib
import secrets
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.db.models import EncryptionKey, Volume
from cairn.cinder.errors import VolumeNotFound
from cairn.common.errors import NotFound, Unavailable


def keep(session: Session, cinder: Cinder, parent: Volume | None) -> str:
    """A key for a new volume; the id of its row. One that is cloned holds the container of its
    parent, and opens with the same passphrase. Raises Unavailable where there are no keys."""
    wrap = _wrapper(cinder.encryption.keys)
    if parent is not None and parent.encryption_key_id is not None:
        passphrase = read(session, cinder, parent.encryption_key_id)
    else:
        passphrase = secrets.token_hex(32)
    row = EncryptionKey(wrapped=wrap.encrypt(passphrase.encode()).decode())
    session.add(row)
    session.flush()
    return row.id


def read(session: Session, cinder: Cinder, key_id: str) -> str:
    """The passphrase. Raises NotFound, Unavailable when no key of this controller unwraps it."""
    row = session.scalar(select(EncryptionKey).where(EncryptionKey.id == key_id))
    if row is None:
        raise NotFound("Key", key_id)
    try:
        return _wrapper(cinder.encryption.keys).decrypt(row.wrapped.encode()).decode()
    except InvalidToken as wrong:
        raise Unavailable(
            reason="No key of this controller opens the volume's passphrase.") from wrong


def copy(session: Session, cinder: Cinder, key_id: str) -> str:
    """Another row with the same passphrase, for what holds the same container; its id. Raises
    NotFound, Unavailable."""
    wrapped = _wrapper(cinder.encryption.keys).encrypt(read(session, cinder, key_id).encode())
    row = EncryptionKey(wrapped=wrapped.decode())
    session.add(row)
    session.flush()
    return row.id


def of_volume(cinder: Cinder, volume_id: str) -> str:
    """What opens the volume. Raises VolumeNotFound, NotFound for one that is not encrypted."""
    with cinder.db.reading() as session:
        row = session.scalar(select(Volume).where(Volume.id == volume_id))
        if row is None:
            raise VolumeNotFound(volume_id)
        if row.encryption_key_id is None:
            raise NotFound("Key of volume", volume_id)
        return read(session, cinder, row.encryption_key_id)


@cache
def _wrapper(keys: str) -> MultiFernet:
    """The first wraps, all of them unwrap. Raises Unavailable where there is none."""
    if not keys.split():
        raise Unavailable(reason="[encryption] keys is empty: volumes cannot be encrypted.")
    return MultiFernet([
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
        for key in keys.split()])
