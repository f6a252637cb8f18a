"""Policy documents, kept for others."""

from sqlalchemy import select

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import rows
from cairn.keystone.core.attributes import merge_extra, refuse_new_id
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import PolicyBlob

OWN = {"id", "type", "blob", "links"}
COLUMNS = {"type": PolicyBlob.type, "id": PolicyBlob.id}
QUERY = filters(COLUMNS)


def create(keystone: Keystone, ctx: Context, request: Document) -> PolicyBlob:
    """Keep a policy document."""
    with changing(keystone, ctx) as change:
        policy = PolicyBlob(type=request["type"], blob=request["blob"],
                            extra=merge_extra({}, request, OWN))
        change.add("policy", policy)
    return policy


def list_page(keystone: Keystone, query: Query) -> Part:
    """A page of policies. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(PolicyBlob), query, COLUMNS, PolicyBlob.id)


def get(keystone: Keystone, policy_id: str) -> PolicyBlob:
    """A policy document. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, PolicyBlob, policy_id, "policy")


def update(keystone: Keystone, ctx: Context, policy_id: str, request: Document) -> PolicyBlob:
    """Change a policy document. Raises NotKnown, Invalid."""
    with changing(keystone, ctx) as change:
        policy = rows.lock(change.session, PolicyBlob, policy_id, "policy")
        refuse_new_id(request, policy_id)
        policy.type = request.get("type", policy.type)
        policy.blob = request.get("blob", policy.blob)
        policy.extra = merge_extra(policy.extra, request, OWN)
        change.record("policy", "updated", policy_id)
    return policy


def delete(keystone: Keystone, ctx: Context, policy_id: str) -> None:
    """Delete a policy document with its associations. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        change.session.delete(rows.get(change.session, PolicyBlob, policy_id, "policy"))
        change.record("policy", "deleted", policy_id)
