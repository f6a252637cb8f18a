"""/v3/policies: documents kept for others (deprecated upstream, still part of the API)."""

from sqlalchemy import select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import merged, refuse_new_id
from cairn.keystone.db.models import PolicyBlob
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
OWN = {"id", "type", "blob", "links"}


def view(policy: PolicyBlob) -> Document:
    return linked({**policy.extra, "id": policy.id, "type": policy.type, "blob": policy.blob},
                  "policies")


@api.post("/policies", policy="identity:create_policy", body=schemas.POLICY_CREATE, status=201)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["policy"]
    with keystone.db.writing() as session:
        policy = PolicyBlob(type=wanted["type"], blob=wanted["blob"],
                            extra=merged({}, wanted, OWN))
        session.add(policy)
    return {"policy": view(policy)}


@api.get("/policies", policy="identity:list_policies", query=QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    with keystone.db.reading() as session:
        return listed(session, "policies", select(PolicyBlob), query, {"type": PolicyBlob.type},
                      PolicyBlob.id, view)


@api.get("/policies/<policy_id>", policy="identity:get_policy")
def show(keystone: Keystone, ctx: Context, policy_id: str) -> Document:
    with keystone.db.reading() as session:
        policy = session.get(PolicyBlob, policy_id)
    if policy is None:
        raise NotKnown("policy", policy_id)
    return {"policy": view(policy)}


@api.patch("/policies/<policy_id>", policy="identity:update_policy", body=schemas.POLICY_UPDATE)
def update(keystone: Keystone, ctx: Context, policy_id: str, body: Document) -> Document:
    wanted = body["policy"]
    with keystone.db.writing() as session:
        policy = session.get(PolicyBlob, policy_id)
        if policy is None:
            raise NotKnown("policy", policy_id)
        refuse_new_id(wanted, policy_id)
        policy.type = wanted.get("type", policy.type)
        policy.blob = wanted.get("blob", policy.blob)
        policy.extra = merged(policy.extra, wanted, OWN)
    return {"policy": view(policy)}


@api.delete("/policies/<policy_id>", policy="identity:delete_policy", status=204)
def delete(keystone: Keystone, ctx: Context, policy_id: str) -> None:
    with keystone.db.writing() as session:
        policy = session.get(PolicyBlob, policy_id)
        if policy is None:
            raise NotKnown("policy", policy_id)
        session.delete(policy)
