"""Passphrases of encrypted volumes, each wrapped by a key that no database holds: the deployment's
secret, which controllers alone know."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.db.models import EncryptionKey, Volume
from cairn.cinder.errors import InvalidInput, VolumeNotFound
from cairn.common.errors import NotFound, Unavailable

# The property of an image that is a volume's container: what opens it.
SEALED = "cinder_encryption_key_id"


def keep(
    session: Session, cinder: Cinder, parent: Volume | None, passphrase: str | None = None
) -> str:
    """A key for a new volume; the id of its row. One that is cloned holds the container of its
    parent, and opens with the same passphrase; one that is made from a container opens with that
    container's. Raises Unavailable where there are no keys."""
    wrap = _wrapper(cinder.encryption.keys)
    if passphrase is None and parent is not None and parent.encryption_key_id is not None:
        passphrase = read(session, cinder, parent.encryption_key_id)
    elif passphrase is None:
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


def seal(session: Session, cinder: Cinder, key_id: str, image_id: str, project_id: str) -> str:
    """The passphrase as an image carries it in SEALED: wrapped, and good for volumes of that image
    and that project alone. It goes with the image. Raises NotFound, Unavailable."""
    said = orjson.dumps([image_id, project_id, read(session, cinder, key_id)])
    return _wrapper(cinder.encryption.keys).encrypt(said).decode()


def unseal(cinder: Cinder, image: Mapping[str, Any], project_id: str) -> str | None:
    """What opens the container that the image is; None for an image that is none. Raises
    InvalidInput where that is not the caller's to open."""
    sealed = image.get(SEALED)
    if sealed is None:
        return None
    try:
        said = orjson.loads(_wrapper(cinder.encryption.keys).decrypt(str(sealed).encode()))
    except (InvalidToken, orjson.JSONDecodeError):
        said = None
    if not isinstance(said, list) or said[:2] != [image["id"], project_id]:
        raise InvalidInput(reason=f"imageRef: {SEALED} of image {image['id']} opens no volume of "
                                  f"project {project_id}.")
    return str(said[2])


def adopt(session: Session, cinder: Cinder, wrapped: str) -> str:
    """A row for a passphrase that came wrapped, as another database has it; its id. Raises
    Unavailable when no key of this controller unwraps it."""
    try:
        passphrase = _wrapper(cinder.encryption.keys).decrypt(wrapped.encode())
    except InvalidToken as wrong:
        raise Unavailable(reason="No key of this controller opens the passphrase.") from wrong
    row = EncryptionKey(wrapped=_wrapper(cinder.encryption.keys).encrypt(passphrase).decode())
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
