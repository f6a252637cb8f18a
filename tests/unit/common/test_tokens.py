import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cairn.common.errors import Unauthorized
from cairn.common.tokens import Revocation, Signer, Token, Verifier

DOMAIN = {"id": "default", "name": "Default"}
PROJECT = {"id": "p1", "name": "red", "domain": DOMAIN}


def make_key(folder, number):
    key = Ed25519PrivateKey.generate()
    (folder / f"{number}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / f"{number}.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture
def keys(tmp_path):
    make_key(tmp_path, 1)
    return tmp_path


def token(age=0.0, life=3600.0, **changes):
    now = time.time() - age
    fields = {
        "user": {"id": "u1", "name": "alice", "domain": DOMAIN}, "methods": ["password"],
        "audit_ids": ["a1"], "issued_at": now, "expires_at": now + life,
        "scope": {"project": PROJECT}, "roles": [{"id": "r1", "name": "member"}],
    }
    return Token(**(fields | changes))


def test_a_signed_token_says_who_is_asking(keys):
    ctx = Verifier(str(keys)).verify(Signer(str(keys)).sign(token())).context()
    assert (ctx.user_id, ctx.project_id, ctx.roles) == ("u1", "p1", frozenset({"member"}))


@pytest.mark.parametrize("spoil", [
    lambda text: text[:-2] + ("AA" if text[-2:] != "AA" else "BB"),
    lambda text: text[:40] + ("A" if text[40] != "A" else "B") + text[41:],
    lambda text: "", lambda text: "x", lambda text: "gAAAA-not-ours", lambda text: "é" * 40,
])
def test_a_forged_token_is_refused(keys, spoil):
    with pytest.raises(Unauthorized):
        Verifier(str(keys)).verify(spoil(Signer(str(keys)).sign(token())))


@pytest.mark.parametrize("alter", [
    lambda text: text + "=", lambda text: text + "==", lambda text: text + "\n",
    lambda text: " " + text, lambda text: text[:9] + "\n" + text[9:],
    lambda text: text[:9] + "!" + text[9:], lambda text: text[:9] + "%" + text[9:],
    lambda text: text[:9] + "é" + text[9:], lambda text: text + "A", lambda text: text + "." * 9,
    lambda text: text.replace("-", "+").replace("_", "/"),
    lambda text: text + "A" * 100_000,
])
def test_one_token_is_one_text(keys, alter):
    verifier, signer = Verifier(str(keys)), Signer(str(keys))
    text = next(t for t in iter(lambda: signer.sign(token()), None) if "-" in t and "_" in t)
    verifier.verify(text)
    with pytest.raises(Unauthorized):
        verifier.verify(alter(text))


def test_the_bits_that_are_left_over_are_none(keys):
    verifier, signer = Verifier(str(keys)), Signer(str(keys))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    names = (f"alice{'e' * n}" for n in range(9))
    texts = (signer.sign(token(user={"id": "u1", "name": n, "domain": DOMAIN})) for n in names)
    text = next(t for t in texts if len(t) % 4)
    verifier.verify(text)
    for last in set(letters) - {text[-1]}:
        with pytest.raises(Unauthorized):
            verifier.verify(text[:-1] + last)


def test_nothing_is_read_of_what_was_not_signed(keys, monkeypatch):
    verifier = Verifier(str(keys))
    text = Signer(str(keys)).sign(token())

    def read(_):
        raise AssertionError("read before the signature was checked")

    monkeypatch.setattr("cairn.common.tokens.orjson.loads", read)
    with pytest.raises(Unauthorized):
        verifier.verify(text[:40] + ("A" if text[40] != "A" else "B") + text[41:])


def test_an_expired_token_is_refused_even_from_the_cache(keys):
    verifier, text = Verifier(str(keys)), Signer(str(keys)).sign(token(life=0.05))
    verifier.verify(text)
    time.sleep(0.06)
    with pytest.raises(Unauthorized):
        verifier.verify(text)
    assert verifier.verify(text, allow_expired=True).user["id"] == "u1"


def test_keys_rotate_without_a_refused_token(keys):
    signer, verifier = Signer(str(keys)), Verifier(str(keys))
    old = signer.sign(token())
    make_key(keys, 2)
    new = Signer(str(keys)).sign(token())
    assert old[:4] != new[:4]
    assert verifier.verify(old) and verifier.verify(new)


@pytest.mark.parametrize(("event", "refused"), [
    ({"user_id": "u1"}, True), ({"user_id": "u2"}, False),
    ({"audit_id": "a1"}, True), ({"audit_id": "a2"}, False),
    ({"project_id": "p1"}, True), ({"role_id": "r1", "user_id": "u1"}, True),
    ({"domain_id": "default"}, True), ({"domain_id": "other"}, False),
])
def test_revoked_tokens_are_refused_cached_or_not(keys, event, refused):
    text = Signer(str(keys)).sign(token(age=1))
    for seen_before in (True, False):
        verifier = Verifier(str(keys))
        if seen_before:
            verifier.verify(text)
        verifier.revoke(Revocation(issued_before=time.time(), **event))
        if refused:
            with pytest.raises(Unauthorized):
                verifier.verify(text)
        else:
            verifier.verify(text)


def test_a_token_issued_after_the_revocation_holds(keys):
    verifier = Verifier(str(keys))
    verifier.revoke(Revocation(issued_before=time.time() - 10, user_id="u1"))
    assert verifier.verify(Signer(str(keys)).sign(token()))


@pytest.mark.parametrize("event", [{"delegation_id": "t1"}, {"role_id": "r1"}, {}])
def test_every_field_alone_finds_its_tokens(keys, event):
    verifier = Verifier(str(keys))
    text = Signer(str(keys)).sign(token(age=1, extra={"delegation_id": "t1"}))
    verifier.verify(text)
    verifier.revoke(Revocation(issued_before=time.time(), **event))
    with pytest.raises(Unauthorized):
        verifier.verify(text)


def test_what_no_living_token_can_match_is_forgotten(keys):
    verifier = Verifier(str(keys), lifetime=100)
    verifier.revoke(Revocation(issued_before=time.time() - 200, user_id="u1"),
                    Revocation(issued_before=time.time(), user_id="u2"))
    verifier._tidy()
    assert list(verifier._revoked) == [("user_id", "u2")]


def test_revocations_are_keystones_to_send(keys, tmp_path_factory):
    signer, verifier = Signer(str(keys)), Verifier(str(keys))
    text = signer.sign(token())
    revocation = Revocation(time.time(), user_id="u1")
    stranger = tmp_path_factory.mktemp("stranger")
    make_key(stranger, 1)
    signed = signer.revocations(revocation)
    for forged in (Signer(str(stranger)).revocations(revocation), text, signed[:-4] + "AAAA", ""):
        with pytest.raises(Unauthorized):
            verifier.hear(forged)
        verifier.verify(text)
    with pytest.raises(Unauthorized):  # No token is made of it, either.
        verifier.verify(signed)
    verifier.hear(signed)
    with pytest.raises(Unauthorized):
        verifier.verify(text)
    later = signer.sign(token(age=-5.0))
    verifier.hear(signed)  # Sent again by whoever kept it.
    verifier.verify(later)
