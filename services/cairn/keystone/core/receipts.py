"""Receipts: what a user has proven so far, when the user's rules ask for more factors.

A receipt is signed with the keys of tokens but is none: its first byte differs. It ends after some
minutes, and with whatever ends the user's tokens.
"""

import secrets

from cairn.common.errors import Unauthorized
from cairn.common.tokens import RECEIPT, Token
from cairn.keystone.component import Keystone
from cairn.keystone.core.changes import iso
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.errors import FactorsMissing


def wanting(
    keystone: Keystone, person: Person, methods: list[str], rules: list[list[str]], now: float
) -> FactorsMissing:
    """The refusal, with a receipt of these methods."""
    ends = now + keystone.authentication.receipt_expiration
    receipt = Token(person.reference, methods, [secrets.token_hex(8)], now, ends)
    document = {
        "receipt": {"methods": methods, "user": person.reference, "expires_at": iso(ends),
                    "issued_at": iso(now)},
        "required_auth_methods": rules,
    }
    return FactorsMissing(keystone.signer.sign(receipt, RECEIPT), document)


def methods(keystone: Keystone, text: str, person: Person) -> list[str]:
    """What this receipt is of. Raises Unauthorized where it is not one of this user."""
    keystone.revoked.read()
    try:
        receipt = keystone.verifier.receipt(text)
    except Unauthorized as wrong:
        raise refuse("the receipt is no good") from wrong
    if receipt.user["id"] != person.id:
        raise refuse("the receipt is of another user")
    return receipt.methods
