"""Key pairs: a user's public keys, imported or made here."""

import base64
import binascii
import datetime as dt
import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_public_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Invalid
from cairn.common.listing import paginate
from cairn.nova.component import Nova
from cairn.nova.core import quotas
from cairn.nova.db.models import Event
from cairn.nova.db.models import Keypair as Keypair
from cairn.nova.errors import KeypairExists, KeypairNotFound

# Where Windows looks for whose a certificate is.
USER_PRINCIPAL = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def find(session: Session, user_id: str, name: str) -> Keypair:
    """Raises KeypairNotFound."""
    pair = session.scalar(
        select(Keypair).where(Keypair.user_id == user_id, Keypair.name == name)
    )
    if pair is None:
        raise KeypairNotFound(name, user_id)
    return pair


def get(nova: Nova, user_id: str, name: str) -> Keypair:
    """Raises KeypairNotFound."""
    with nova.db.reading() as session:
        return find(session, user_id, name)


def list_keypairs(
    nova: Nova, user_id: str, marker: str | None = None, limit: int | None = None
) -> list[Keypair]:
    """By name. Raises Invalid for a marker that is no key of the user's."""
    query = select(Keypair).where(Keypair.user_id == user_id)
    with nova.db.reading() as session:
        after = None
        if marker is not None:
            try:
                after = [find(session, user_id, marker).name]
            except KeypairNotFound:
                raise Invalid(reason=f"marker [{marker}] not found") from None
        return list(session.scalars(
            paginate(query, [(Keypair.__table__.c.name, "asc")], after=after, limit=limit)
        ).all())


def create(
    nova: Nova, ctx: Context, user_id: str, name: str, kind: str, public_key: str | None
) -> tuple[Keypair, str | None]:
    """The pair, and its private key where it was made here for want of a public one. Raises
    KeypairExists, LimitReached, and Invalid for a key that is none."""
    private_key = None
    if public_key is None:
        public_key, private_key = (
            generate() if kind == "ssh" else generate_certificate(user_id))
    print_ = fingerprint(kind, public_key)

    def record(session: Session) -> Keypair:
        allowed = quotas.allowed(session, ctx.project, user_id, nova.quota)["key_pairs"]
        quotas.check_keypairs(session, user_id, allowed)
        pair = Keypair(user_id=user_id, name=name, type=kind, public_key=public_key,
                       fingerprint=print_)
        try:
            with session.begin_nested():
                session.add(pair)
        except IntegrityError:
            raise KeypairExists(name=name) from None
        _record(session, ctx, "create", user_id, name, kind, print_)
        return pair

    return nova.db.write(record), private_key


def remove(nova: Nova, ctx: Context, user_id: str, name: str) -> None:
    """Raises KeypairNotFound."""
    with nova.db.writing() as session:
        pair = find(session, user_id, name)
        gone = session.execute(
            delete(Keypair).where(Keypair.user_id == user_id, Keypair.name == name))
        if not changed(gone):
            raise KeypairNotFound(name, user_id)
        _record(session, ctx, "delete", user_id, name, pair.type, pair.fingerprint)


def _record(
    session: Session, ctx: Context, verb: str, user_id: str, name: str, kind: str,
    fingerprint: str,
) -> None:
    Event.record(session, ctx, f"keypair.{verb}.end", "keypair", name, {
        "user_id": user_id, "name": name, "type": kind, "fingerprint": fingerprint})


def generate() -> tuple[str, str]:
    """A new RSA pair: (public in OpenSSH's line format, private in PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return f"{public.decode()} Generated-by-Cairn", private.decode()


def generate_certificate(user_id: str) -> tuple[str, str]:
    """A certificate by which WinRM lets the user in without a password: (in PEM, with its private
    key as PKCS 12 in base64)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    # UTF8String of DER: the tag, the length in one byte.
    principal = f"{user_id[:64]}@localhost".encode()
    now = utcnow()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now).not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([
            x509.OtherName(USER_PRINCIPAL, bytes([0x0c, len(principal)]) + principal)]),
            critical=False)
        .sign(key, hashes.SHA256())
    )
    bundle = serialize_key_and_certificates(None, key, certificate, None, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), base64.b64encode(bundle).decode()


def fingerprint(kind: str, public_key: str) -> str:
    """As ssh-keygen's MD5 form for ssh, SHA-1 of the certificate for x509. Raises Invalid."""
    try:
        if kind == "x509":
            certificate = x509.load_pem_x509_certificate(public_key.encode())
            digest = hashlib.sha1(
                certificate.public_bytes(Encoding.DER)
            ).hexdigest()
        else:
            load_ssh_public_key(public_key.strip().encode())
            raw = base64.b64decode(public_key.split()[1], validate=True)
            digest = hashlib.md5(raw).hexdigest()
    except (ValueError, IndexError, binascii.Error, UnsupportedAlgorithm) as wrong:
        raise Invalid(
            reason=f"Keypair data is invalid: public_key is not a {kind} key: {wrong}"
        ) from None
    return ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))
