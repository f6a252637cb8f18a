"""The endpoints, services and regions that go by a policy document."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.keystone.component import Keystone
from cairn.keystone.core import rows
from cairn.keystone.core.changes import changing
from cairn.keystone.db.endpoints import PolicyAssociation
from cairn.keystone.db.models import Endpoint, PolicyBlob, Region, Service

# What each id of an association is of, and how that is called.
KINDS: dict[str, tuple[type[Any], str]] = {
    "policy_id": (PolicyBlob, "policy"), "endpoint_id": (Endpoint, "endpoint"),
    "service_id": (Service, "service"), "region_id": (Region, "region"),
}


class NoPolicy(NotFound):
    message = "No policy is associated with {what}."


def _key(
    endpoint_id: str | None = None, service_id: str | None = None, region_id: str | None = None
) -> str:
    """The key of an association: one policy for each."""
    return f"{endpoint_id or ''}/{service_id or ''}/{region_id or ''}"


def _find_any(session: Session, ids: dict[str, str]) -> PolicyAssociation | None:
    """The association at a place, if it is with this policy; every id must be of something."""
    for name, id_ in ids.items():
        kind, word = KINDS[name]
        rows.get(session, kind, id_, word)
    association = session.get(PolicyAssociation, _key(**_place(ids)))
    if association is None or association.policy_id != ids["policy_id"]:
        return None
    return association


def _place(ids: dict[str, str]) -> dict[str, str]:
    return {name: id_ for name, id_ in ids.items() if name != "policy_id"}


def associate(keystone: Keystone, ctx: Context, ids: dict[str, str]) -> None:
    """Instead of another policy that the place had. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        _find_any(change.session, ids)
        change.session.merge(PolicyAssociation(place=_key(**_place(ids)), **ids))
        change.record("policy_association", "created", ids["policy_id"], **_place(ids))


def check(keystone: Keystone, ids: dict[str, str]) -> None:
    """Whether a place goes by this policy. Raises NotKnown, NoPolicy."""
    with keystone.db.reading() as session:
        if _find_any(session, ids) is None:
            raise NoPolicy(what=" and ".join(f"{KINDS[n][1]} {i}" for n, i in ids.items()))


def dissociate(keystone: Keystone, ctx: Context, ids: dict[str, str]) -> None:
    """End that a place goes by this policy. Safe to repeat, as upstream has it. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        association = _find_any(change.session, ids)
        if association is not None:
            change.session.delete(association)
            change.record("policy_association", "deleted", ids["policy_id"], **_place(ids))
        else:
            events.unchanged()


def _parents(session: Session) -> dict[str, str | None]:
    return dict(session.execute(select(Region.id, Region.parent_id)).all())


def _keys(endpoint: Endpoint, parents: dict[str, str | None]) -> list[str]:
    """Where an endpoint's policy may be found, what counts first: its own, then of its service in
    its region and those above, then of its service."""
    keys = [_key(endpoint_id=endpoint.id)]
    region = endpoint.region_id
    while region is not None:
        keys.append(_key(service_id=endpoint.service_id, region_id=region))
        region = parents.get(region)
    return [*keys, _key(service_id=endpoint.service_id)]


def list_endpoints(keystone: Keystone, policy_id: str) -> list[Endpoint]:
    """Those that an association of this policy covers. Raises NotKnown."""
    with keystone.db.reading() as session:
        rows.get(session, PolicyBlob, policy_id, "policy")
        mine = set(session.scalars(
            select(PolicyAssociation.place).where(PolicyAssociation.policy_id == policy_id)
        ))
        parents = _parents(session)
        every = session.scalars(select(Endpoint).order_by(Endpoint.id))
        return [each for each in every if mine & set(_keys(each, parents))]


def get_policy(keystone: Keystone, endpoint_id: str) -> PolicyBlob:
    """The policy an endpoint goes by. Raises NotKnown, NoPolicy."""
    with keystone.db.reading() as session:
        endpoint = rows.get(session, Endpoint, endpoint_id)
        keys = _keys(endpoint, _parents(session))
        associations = session.scalars(
            select(PolicyAssociation).where(PolicyAssociation.place.in_(keys))
        )
        policies = {row.place: row.policy_id for row in associations}
        for key in keys:
            if key in policies:
                return session.get_one(PolicyBlob, policies[key])
        raise NoPolicy(what=f"endpoint {endpoint_id}")
