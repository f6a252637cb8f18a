"""The methods of authentication, by the names that clients ask for them with."""

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.keystone.core.authentication import Method, Proof, password, refuse, token
from cairn.keystone.core.delegations import by_credential

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone


def application_credential(keystone: "Keystone", session: Session, given: Document) -> Proof:
    person, scope = by_credential(keystone, session, given)
    return Proof(person, scope=scope)


METHODS: dict[str, Method] = {
    "password": password,
    "token": token,
    "application_credential": application_credential,
}


def authenticate(
    keystone: "Keystone", session: Session, identity: Document
) -> tuple[list[str], Proof]:
    """All the methods that showed it, and what they showed together. Raises Unauthorized."""
    proofs = []
    for name in identity["methods"]:
        method = METHODS.get(name)
        if method is None:
            raise refuse(f"no such method: {name}")
        if name not in identity:
            raise Invalid(reason=f"Invalid input for field/attribute auth.identity. "
                                 f"'{name}' is a required property")
        proofs.append(method(keystone, session, identity[name]))
    if len({proof.person.id for proof in proofs}) != 1:
        raise refuse("the methods name different users")
    origin = next((proof.token for proof in proofs if proof.token is not None), None)
    bound = next((proof.scope for proof in proofs if proof.scope is not None), None)
    before = [] if origin is None else [m for m in origin.methods if m not in identity["methods"]]
    return [*identity["methods"], *before], Proof(proofs[0].person, origin, bound)
