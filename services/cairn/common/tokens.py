"""Tokens: what a caller is, signed by Keystone (Ed25519), verified by all with the public key.

A token is base64url(version byte, key number byte, JSON, 64 byte signature) without padding. Keys
are files `<number>.key` (PKCS8 PEM, only where Keystone runs) and `<number>.pub`; the highest
number signs, all of them verify, so keys rotate without a refused token.
"""

import base64
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from cairn.common.context import Context
from cairn.common.errors import Unauthorized

# The first byte says what it is. A receipt tells what a login has proven so far, and opens nothing.
FORMAT, RECEIPT, REVOCATIONS = 1, 2, 3
SIGNATURE = 64
# The proxy takes no longer header, so there is no longer token.
LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. Times are Unix seconds. `scope` is None (unscoped) or one of
    {"project": ref}, {"domain": ref}, {"system": {"all": true}}, {"trust": ..} beside a project;
    ref = {"id", "name", "domain": {"id", "name"}} (a domain has no domain)."""

    user: dict[str, Any]
    methods: list[str]
    audit_ids: list[str]
    issued_at: float
    expires_at: float
    scope: dict[str, Any] | None = None
    roles: list[dict[str, str]] = field(default_factory=list)
    # What else Keystone wants back at validation (trust, application credential, federation...).
    extra: dict[str, Any] = field(default_factory=dict)

    def context(self, text: str = "") -> Context:
        scope = self.scope or {}
        project, domain = scope.get("project") or {}, scope.get("domain") or {}
        project_domain = project.get("domain") or {}
        return Context(
            user_id=self.user["id"], user_name=self.user["name"],
            user_domain_id=self.user["domain"]["id"],
            user_domain_name=self.user["domain"]["name"],
            project_id=project.get("id"), project_name=project.get("name"),
            project_domain_id=project_domain.get("id"),
            project_domain_name=project_domain.get("name"),
            domain_id=domain.get("id"), domain_name=domain.get("name"),
            system="system" in scope, roles=frozenset(role["name"] for role in self.roles),
            token=text, issued_at=self.issued_at,
            access_rules=(self.extra.get("application_credential") or {}).get("access_rules"),
        )


def _decoded(text: str) -> bytes:
    """Only as it was written: one token is one text, without a letter more. Raises ValueError."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("not in its one form")
    return data


def read(text: str) -> Token:
    """What a token says that was verified before: nobody's signature is looked at here."""
    return _token(orjson.loads(_decoded(text)[2:-SIGNATURE]))


def _token(fields: list[Any]) -> Token:
    user, methods, audit_ids, issued_at, expires_at, scope, roles, extra = fields
    return Token(user, methods, audit_ids, issued_at, expires_at, scope,
                 [{"id": id_, "name": name} for id_, name in roles], extra)


class Watched:
    """A folder of keys: whether it may have changed since that was asked before."""

    # Two changes within the clock's tick leave the same time: what is so young is looked at again.
    young = 2_000_000_000

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen = -1

    def changed(self) -> bool:
        """Raises FileNotFoundError where there is none."""
        before, self._seen = self._seen, self.folder.stat().st_mtime_ns
        return self._seen != before or time.time_ns() - self._seen < self.young


class Signer:
    """Keystone's side: the private keys."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._watched = Watched(self.folder)
        self._key: tuple[int, Ed25519PrivateKey] | None = None

    def sign(self, token: Token, kind: int = FORMAT) -> str:
        return self._seal(kind, orjson.dumps([
            token.user, token.methods, token.audit_ids, token.issued_at, token.expires_at,
            token.scope, [[role["id"], role["name"]] for role in token.roles], token.extra,
        ]))

    def revocations(self, *revocations: "Revocation") -> str:
        """What ends tokens is signed as they are: whoever may send messages ends nothing by it."""
        return self._seal(REVOCATIONS, orjson.dumps([
            {name: value for name, value in asdict(one).items() if value is not None}
            for one in revocations
        ]))

    def _seal(self, kind: int, payload: bytes) -> str:
        number, key = self._newest()
        head = bytes((kind, number)) + payload
        return base64.urlsafe_b64encode(head + key.sign(head)).rstrip(b"=").decode()

    def _newest(self) -> tuple[int, Ed25519PrivateKey]:
        while self._watched.changed() or self._key is None:
            number = max(int(path.stem) for path in self.folder.glob("*.key"))
            try:
                pem = (self.folder / f"{number}.key").read_bytes()
            except FileNotFoundError:  # Its successor came at this moment, and it went.
                continue
            key = load_pem_private_key(pem, password=None)
            assert isinstance(key, Ed25519PrivateKey)
            self._key = number, key
            break
        return self._key


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens that no longer hold: those that match every given field and were issued before
    `issued_before` (Unix seconds)."""

    issued_before: float
    audit_id: str | None = None
    audit_chain_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    role_id: str | None = None
    # The trust or application credential that the token was given for.
    delegation_id: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The field that tells most, and its value: only tokens that have it can match."""
        for name in TELLING:
            value = getattr(self, name)
            if value is not None:
                return name, value
        return "", ""

    def matches(self, token: Token) -> bool:
        scope = token.scope or {}
        project, domain = scope.get("project") or {}, scope.get("domain") or {}
        domains = (domain.get("id"), token.user["domain"]["id"],
                   (project.get("domain") or {}).get("id"))
        return (
            token.issued_at <= self.issued_before
            and self.audit_id in (None, token.audit_ids[0])
            and self.audit_chain_id in (None, token.audit_ids[-1])
            and self.user_id in (None, token.user["id"])
            and self.project_id in (None, project.get("id"))
            and (self.domain_id is None or self.domain_id in domains)
            and (self.role_id is None or any(r["id"] == self.role_id for r in token.roles))
            and self.delegation_id in (None, token.extra.get("delegation_id"))
        )


TELLING = ("audit_id", "delegation_id", "audit_chain_id", "user_id", "project_id", "domain_id",
           "role_id")


def keys_of(token: Token) -> list[tuple[str, str]]:
    """Every Revocation.key that a revocation of this token may have."""
    scope = token.scope or {}
    project, domain = scope.get("project") or {}, scope.get("domain") or {}
    keys = [
        ("", ""), ("audit_id", token.audit_ids[0]), ("audit_chain_id", token.audit_ids[-1]),
        ("delegation_id", token.extra.get("delegation_id")), ("user_id", token.user["id"]),
        ("project_id", project.get("id")), ("domain_id", domain.get("id")),
        ("domain_id", token.user["domain"]["id"]),
        ("domain_id", (project.get("domain") or {}).get("id")),
        *(("role_id", role["id"]) for role in token.roles),
    ]
    return [(name, value) for name, value in keys if value is not None]


class Verifier:
    """Everybody's side: public keys, a bounded cache of verified tokens, and what was revoked."""

    def __init__(self, folder: str, size: int = 4096, lifetime: float = 86400 * 8) -> None:
        self.folder = Path(folder)
        self.size = size
        self.lifetime = lifetime
        self._watched = Watched(self.folder)
        self._keys: dict[int, Ed25519PublicKey] = {}
        # A token, and how many times something had been revoked when it was last looked up there.
        self._cache: OrderedDict[str, tuple[Token, int]] = OrderedDict()
        self._times = 0
        # By the most telling field each has: a cloud in use has thousands.
        self._revoked: dict[tuple[str, str], set[Revocation]] = {}
        self._tidied = time.time()
        self._lock = threading.Lock()

    def verify(self, text: str, *, allow_expired: bool = False) -> Token:
        """What the token says. Raises Unauthorized: forged, expired or revoked."""
        with self._lock:
            token, seen = self._cache.get(text, (None, -1))
        if token is None:
            token = self._open(text)
        if seen != self._times:
            with self._lock:
                if self._is_revoked(token):
                    self._cache.pop(text, None)
                    raise Unauthorized
                self._cache[text] = token, self._times
                if len(self._cache) > self.size:
                    self._cache.popitem(last=False)
        if token.expires_at <= time.time() and not allow_expired:
            raise Unauthorized
        return token

    def receipt(self, text: str) -> Token:
        """What a receipt says. Raises Unauthorized as `verify` does; it is never kept, where it
        might be taken for a token."""
        token = self._open(text, RECEIPT)
        with self._lock:
            revoked = self._is_revoked(token)
        if revoked or token.expires_at <= time.time():
            raise Unauthorized
        return token

    def revoked(self, token: Token) -> bool:
        """Whether something ended it since: of what was given for a token, and outlives it."""
        with self._lock:
            return self._is_revoked(token)

    def hear(self, signed: str) -> None:
        """Take what Signer.revocations wrote. Raises Unauthorized where somebody else did. Heard
        again it changes nothing."""
        self.revoke(*(Revocation(**fields) for fields in self._unseal(signed, REVOCATIONS)))

    def revoke(self, *revocations: Revocation) -> None:
        """From now on refuse what any of them matches."""
        with self._lock:
            for revocation in revocations:
                bucket = self._revoked.setdefault(revocation.key, set())
                if revocation not in bucket:
                    bucket.add(revocation)
                    self._times += 1
            if time.time() - self._tidied > 3600:
                self._tidy()

    def _tidy(self) -> None:
        """Forget what no living token can match."""
        self._tidied = time.time()
        for key, bucket in list(self._revoked.items()):
            alive = {r for r in bucket if r.issued_before > self._tidied - self.lifetime}
            if alive:
                self._revoked[key] = alive
            else:
                del self._revoked[key]

    def _is_revoked(self, token: Token) -> bool:
        return any(
            revocation.matches(token)
            for key in keys_of(token) for revocation in self._revoked.get(key, ())
        )

    def _open(self, text: str, kind: int = FORMAT) -> Token:
        if len(text) > LONGEST:
            raise Unauthorized
        return _token(self._unseal(text, kind))

    def _unseal(self, text: str, kind: int) -> list[Any]:
        try:
            data = _decoded(text)
            head, signature = data[:-SIGNATURE], data[-SIGNATURE:]
            if len(head) < 3 or head[0] != kind:
                raise Unauthorized
            self._forget_keys()
            self._key(head[1]).verify(signature, head)
            return orjson.loads(head[2:])  # type: ignore[no-any-return]
        except (ValueError, InvalidSignature, KeyError) as wrong:
            raise Unauthorized from wrong

    def _forget_keys(self) -> None:
        """A key that was taken away is good for nothing more, nor is what it has signed."""
        try:
            if not self._watched.changed():
                return
        except FileNotFoundError:
            pass
        gone = [n for n in list(self._keys) if not (self.folder / f"{n}.pub").exists()]
        if gone:
            with self._lock:
                for number in gone:
                    self._keys.pop(number, None)
                self._cache.clear()

    def _key(self, number: int) -> Ed25519PublicKey:
        """Raises KeyError where there is no such key (yet)."""
        key = self._keys.get(number)
        if key is None:
            path = self.folder / f"{number}.pub"
            if not path.exists():
                raise KeyError(number)
            public_key = load_pem_public_key(path.read_bytes())
            assert isinstance(public_key, Ed25519PublicKey)
            key = self._keys[number] = public_key
        return key
