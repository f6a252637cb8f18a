# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""The cloud's own certificate authority and signing keys, as files in one directory:
ca.pem, ca.key, hosts/<host>.pem, hosts/<host>.key, token/<n>.key, token/<n>.pub."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from ansible_collections.cairn.cloud.plugins.plugin_utils.control import keep
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
CA_LIFE = 3650 * DAY
# A certificate is checked against hosts' clocks, and they differ.
CLOCK_SKEW = datetime.timedelta(hours=1)


class Authority:
    def __init__(self, directory, cloud):
        self.directory = Path(directory)
        self.cloud = cloud

    # What there is

    def exists(self):
        return (self.directory / "ca.pem").exists() and (self.directory / "ca.key").exists()

    def names(self, host, now, renew_before):
        """The names a host's certificate is good for; none when it is not, or will soon not be."""
        path = self._host(host, "pem")
        if not (self.exists() and path.exists() and self._host(host, "key").exists()):
            return []
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        if certificate.not_valid_after_utc - now < renew_before:
            return []
        try:
            certificate.verify_directly_issued_by(self._certificate())
        except (ValueError, TypeError):
            return []  # Another authority's: this one's files were lost and made again.
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return sorted(str(name.value) for name in san)

    def generations(self):
        return sorted(int(path.stem) for path in (self.directory / "token").glob("*.key"))

    # What there should be

    def found(self, now):
        """Make the authority itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.cloud} authority")])
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False,
        )
        certificate = (
            _builder(name, name, key, now, CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        keep(self.directory / "ca.key", _private(key))
        keep(self.directory / "ca.pem", _public(certificate), 0o644)

    def certify(self, host, names, now, life):
        """Make a key for the host and certify it, for clients and for servers."""
        authority = self._certificate()
        signer = serialization.load_pem_private_key(
            (self.directory / "ca.key").read_bytes(), password=None
        )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        certificate = (
            _builder(subject, authority.subject, key, now, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(map(_name, names)), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(identifier, critical=False)
            .sign(signer, hashes.SHA256())
        )
        keep(self._host(host, "key"), _private(key))
        keep(self._host(host, "pem"), _public(certificate), 0o644)

    def add_token_key(self, generation):
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        keep(self.directory / "token" / f"{generation}.pub", public, 0o644)
        keep(self.directory / "token" / f"{generation}.key", _private(key))

    def _certificate(self):
        return x509.load_pem_x509_certificate((self.directory / "ca.pem").read_bytes())

    def _host(self, host, kind):
        return self.directory / "hosts" / f"{host}.{kind}"


def _builder(subject, issuer, key, now, life):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
