"""/v3/policies/<id>/OS-ENDPOINT-POLICY: the endpoints, services and regions that go by a policy."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.keystone.api import catalog, policies
from cairn.keystone.api.views import collection
from cairn.keystone.component import Keystone
from cairn.keystone.db.endpoints import PolicyAssociation
from cairn.keystone.db.models import Endpoint, PolicyBlob, Region, Service
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
ROOT = "/policies/<policy_id>/OS-ENDPOINT-POLICY"
PLACES = {
    "endpoint": f"{ROOT}/endpoints/<endpoint_id>",
    "service": f"{ROOT}/services/<service_id>",
    "region_and_service": f"{ROOT}/services/<service_id>/regions/<region_id>",
}
KINDS: dict[str, type[Any]] = {
    "policy_id": PolicyBlob, "endpoint_id": Endpoint, "service_id": Service, "region_id": Region,
}
NAMES = {"policy_id": "policy", "endpoint_id": "endpoint", "service_id": "service",
         "region_id": "region"}


class NoPolicy(NotFound):
    message = "No policy is associated with {what}."


def place(
    endpoint_id: str | None = None, service_id: str | None = None, region_id: str | None = None
) -> str:
    """The key of an association: one policy for each."""
    return f"{endpoint_id or ''}/{service_id or ''}/{region_id or ''}"


def _look(session: Session, ids: Document) -> PolicyAssociation | None:
    """The association at a place, if it is with this policy; every id must be of something."""
    for name, id_ in ids.items():
        if session.get(KINDS[name], id_) is None:
            raise NotKnown(NAMES[name], id_)
    where = {name: id_ for name, id_ in ids.items() if name != "policy_id"}
    found = session.get(PolicyAssociation, place(**where))
    return found if found is not None and found.policy_id == ids["policy_id"] else None


def associate(keystone: Keystone, ctx: Context, **ids: str) -> None:
    """Instead of another policy that the place had."""
    with keystone.db.writing() as session:
        _look(session, ids)
        where = {name: id_ for name, id_ in ids.items() if name != "policy_id"}
        session.merge(PolicyAssociation(place=place(**where), **ids))


def check(keystone: Keystone, ctx: Context, **ids: str) -> None:
    with keystone.db.reading() as session:
        if _look(session, ids) is None:
            raise NoPolicy(what=" and ".join(f"{NAMES[n]} {i}" for n, i in ids.items()))


def dissociate(keystone: Keystone, ctx: Context, **ids: str) -> None:
    """Safe to repeat, as upstream has it."""
    with keystone.db.writing() as session:
        found = _look(session, ids)
        if found is not None:
            session.delete(found)


for _kind, _path in PLACES.items():
    api.put(_path, policy=f"identity:create_policy_association_for_{_kind}", status=204)(associate)
    api.get(_path, policy=f"identity:check_policy_association_for_{_kind}", status=204)(check)
    api.delete(_path, policy=f"identity:delete_policy_association_for_{_kind}", status=204)(
        dissociate
    )


def _parents(session: Session) -> dict[str, str | None]:
    return dict(session.execute(select(Region.id, Region.parent_id)).all())


def _places(endpoint: Endpoint, parents: dict[str, str | None]) -> list[str]:
    """Where an endpoint's policy may be found, what counts first: its own, then of its service in
    its region and those above, then of its service."""
    found = [place(endpoint_id=endpoint.id)]
    region = endpoint.region_id
    while region is not None:
        found.append(place(service_id=endpoint.service_id, region_id=region))
        region = parents.get(region)
    return [*found, place(service_id=endpoint.service_id)]


@api.get(f"{ROOT}/endpoints", policy="identity:list_endpoints_for_policy")
def endpoints(keystone: Keystone, ctx: Context, policy_id: str) -> Document:
    """Those that an association of this policy covers."""
    with keystone.db.reading() as session:
        if session.get(PolicyBlob, policy_id) is None:
            raise NotKnown("policy", policy_id)
        mine = set(session.scalars(
            select(PolicyAssociation.place).where(PolicyAssociation.policy_id == policy_id)
        ))
        parents = _parents(session)
        every = session.scalars(select(Endpoint).order_by(Endpoint.id))
        found = [each for each in every if mine & set(_places(each, parents))]
        return collection("endpoints", map(catalog.endpoint_view, found))


@api.get("/endpoints/<endpoint_id>/OS-ENDPOINT-POLICY/policy",
         policy="identity:get_policy_for_endpoint")
def effective(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    """The policy an endpoint goes by."""
    with keystone.db.reading() as session:
        endpoint = session.get(Endpoint, endpoint_id)
        if endpoint is None:
            raise NotKnown("endpoint", endpoint_id)
        places = _places(endpoint, _parents(session))
        rows = session.scalars(
            select(PolicyAssociation).where(PolicyAssociation.place.in_(places))
        )
        by_place = {row.place: row.policy_id for row in rows}
        for each in places:
            if each in by_place:
                policy = session.get_one(PolicyBlob, by_place[each])
                return {"policy": policies.view(policy)}
        raise NoPolicy(what=f"endpoint {endpoint_id}")
