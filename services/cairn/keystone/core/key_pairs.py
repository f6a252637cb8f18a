"""Users' EC2 key pairs: made, shown and taken away (ec2.py is where they are used)."""

import secrets
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core import ec2, projects, rows
from cairn.keystone.core.changes import changing
from cairn.keystone.core.delegations import refuse_delegated
from cairn.keystone.db.models import Credential, User
from cairn.keystone.errors import NotKnown


@dataclass(frozen=True)
class KeyPair:
    """Whose, for which project, and what it holds: access, secret, perhaps trust_id."""

    user_id: str
    project_id: str | None
    held: Document


def _open(keystone: Keystone, credential: Credential) -> KeyPair:
    held = ec2.pair(keystone.encryption.decrypt(credential.blob))
    return KeyPair(credential.user_id, credential.project_id, held)


def _find(session: Session, access: str) -> Credential:
    credential = session.get(Credential, ec2.row_id(access))
    if credential is None or credential.type != "ec2":
        raise NotKnown("credential", access)
    return credential


def _describe(user_id: str) -> Document:
    return {"user_id": user_id, "target.credential.user_id": user_id}


def _authorize(
    keystone: Keystone, ctx: Context, policy: str, user_id: str, access: str
) -> Credential:
    """The pair, if the caller may do that to it: its own user counts, not the one of the path."""
    with keystone.db.reading() as session:
        credential = _find(session, access)
        keystone.policy.enforce(ctx, policy, _describe(credential.user_id))
        refuse_delegated(keystone, ctx)
        rows.get(session, User, user_id)
    return credential


def create(keystone: Keystone, ctx: Context, user_id: str, project_id: str) -> KeyPair:
    """Make a key pair of random keys, for an enabled project. Raises Forbidden, Refused, NotKnown.
    """
    refuse_delegated(keystone, ctx)
    keystone.policy.enforce(ctx, "identity:ec2_create_credential", _describe(user_id))
    access, secret = secrets.token_hex(16), secrets.token_hex(16)
    blob = orjson.dumps({"access": access, "secret": secret, "trust_id": None}).decode()
    credential = Credential(
        id=ec2.row_id(access), user_id=user_id, project_id=project_id, type="ec2",
        blob=keystone.encryption.encrypt(blob), extra={},
    )
    with changing(keystone, ctx) as change:
        session = change.session
        rows.get(session, User, user_id)
        project = projects.find(session, project_id)
        if not project.enabled:
            raise Refused(reason=f"Project {project.id} is disabled.")
        change.add("credential", credential, project_id=project_id)
    return _open(keystone, credential)


def list_of_user(keystone: Keystone, ctx: Context, user_id: str) -> list[KeyPair]:
    """A user's key pairs. Raises Forbidden, Refused, NotKnown."""
    keystone.policy.enforce(ctx, "identity:ec2_list_credentials", _describe(user_id))
    refuse_delegated(keystone, ctx)
    with keystone.db.reading() as session:
        rows.get(session, User, user_id)
        credentials = session.scalars(select(Credential).where(
            Credential.user_id == user_id, Credential.type == "ec2"
        ))
        return [_open(keystone, each) for each in credentials]


def get(keystone: Keystone, ctx: Context, user_id: str, access: str) -> KeyPair:
    """The key pair of an access key. Raises NotKnown, Forbidden, Refused."""
    credential = _authorize(keystone, ctx, "identity:ec2_get_credential", user_id, access)
    return _open(keystone, credential)


def remove(keystone: Keystone, ctx: Context, user_id: str, access: str) -> None:
    """Delete the key pair of an access key, and end the tokens it got. Raises NotKnown, Forbidden,
    Refused."""
    _authorize(keystone, ctx, "identity:ec2_delete_credential", user_id, access)
    with changing(keystone, ctx) as change:
        ec2.remove(change, _find(change.session, access))
