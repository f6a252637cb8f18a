"""How volumes of a type are encrypted; none of it changes while there are any."""

from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.core.type_changes import record
from cairn.cinder.db.models import VolumeType
from cairn.cinder.errors import EncryptionNotFound, SpecsInUse
from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Invalid

# What QEMU's LUKS can do.
CIPHERS = frozenset(f"aes-{mode}-{iv}" for mode in ("xts", "cbc") for iv in ("plain", "plain64"))
SIZES = (128, 192, 256)


def read(cinder: Cinder, ctx: Context, type_id: str) -> dict[str, Any]:
    """Empty where its volumes are not encrypted. Raises TypeNotFound."""
    with cinder.db.reading() as session:
        row = types.one(session, ctx, type_id)
        return dict(row.encryption) | {"volume_type_id": row.id} if row.encryption else {}


def create(cinder: Cinder, ctx: Context, type_id: str, values: dict[str, Any]) -> dict[str, Any]:
    """Raises TypeNotFound, SpecsInUse, Invalid where it has one or QEMU can not do it."""

    def add(session: Session) -> dict[str, Any]:
        row = types.one(session, ctx, type_id, held=True)
        if row.encryption is not None:
            raise Invalid(reason=f"Volume type encryption for type {row.id} already exists.")
        _check(session, row, values, "Cannot create encryption specs. Volume type in use")
        row.encryption = {"encryption_id": new_id(), "cipher": None, "key_size": None,
                          "control_location": "front-end", **values}
        record(session, ctx, "volume_type_encryption.create", row, encryption=row.encryption)
        return row.encryption | {"volume_type_id": row.id}

    return cinder.db.write(add)


def change(
    cinder: Cinder, ctx: Context, type_id: str, encryption_id: str, values: dict[str, Any]
) -> None:
    """Raises TypeNotFound, EncryptionNotFound, SpecsInUse, Invalid."""

    def put(session: Session) -> None:
        row = _hold(session, ctx, type_id, encryption_id)
        changed = {**(row.encryption or {}), **values}
        _check(session, row, changed, "Cannot update encryption specs. Volume type in use")
        row.encryption = changed
        record(session, ctx, "volume_type_encryption.update", row, encryption=changed)

    cinder.db.write(put)


def remove(cinder: Cinder, ctx: Context, type_id: str, encryption_id: str) -> None:
    """Raises TypeNotFound, EncryptionNotFound, SpecsInUse."""

    def forget(session: Session) -> None:
        row = _hold(session, ctx, type_id, encryption_id)
        _check(session, row, {}, "Cannot delete encryption specs. Volume type in use")
        row.encryption = None
        record(session, ctx, "volume_type_encryption.delete", row)

    cinder.db.write(forget)


def _hold(session: Session, ctx: Context, type_id: str, encryption_id: str) -> VolumeType:
    row = types.one(session, ctx, type_id, held=True)
    # python-cinderclient does not know it, and says this.
    if row.encryption is None or encryption_id not in (
            "provider", row.encryption["encryption_id"]):
        raise EncryptionNotFound(row.id)
    return row


def _check(session: Session, row: VolumeType, values: dict[str, Any], what: str) -> None:
    if types.in_use(session, row.id):
        raise SpecsInUse(what=what)
    cipher, size = values.get("cipher"), values.get("key_size")
    if cipher and cipher not in CIPHERS:
        raise Invalid(reason=f"cipher: {cipher} is none of {', '.join(sorted(CIPHERS))}.")
    if size and size not in SIZES:
        raise Invalid(reason=f"key_size: {size} is none of {', '.join(map(str, SIZES))}.")
