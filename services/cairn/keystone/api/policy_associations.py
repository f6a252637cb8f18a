"""/v3/policies/<id>/OS-ENDPOINT-POLICY: the endpoints, services and regions that go by a policy."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import endpoints, policies
from cairn.keystone.api.views import collection
from cairn.keystone.component import Keystone
from cairn.keystone.core import policy_associations
from cairn.keystone.policy import RULES

api = Api(RULES)
ROOT = "/policies/<policy_id>/OS-ENDPOINT-POLICY"
PLACES = {
    "endpoint": f"{ROOT}/endpoints/<endpoint_id>",
    "service": f"{ROOT}/services/<service_id>",
    "region_and_service": f"{ROOT}/services/<service_id>/regions/<region_id>",
}


def associate(keystone: Keystone, ctx: Context, **ids: str) -> None:
    """Make an endpoint or a service go by a policy, instead of one it went by before."""
    policy_associations.associate(keystone, ctx, ids)


def check(keystone: Keystone, ctx: Context, **ids: str) -> None:
    """Check that an endpoint or a service goes by a policy; 404 if not."""
    policy_associations.check(keystone, ids)


def dissociate(keystone: Keystone, ctx: Context, **ids: str) -> None:
    """Take a policy from an endpoint or a service; to repeat it changes nothing."""
    policy_associations.dissociate(keystone, ctx, ids)


for _kind, _path in PLACES.items():
    api.put(_path, policy=f"identity:create_policy_association_for_{_kind}", status=204,
            event="identity.policy_association.created")(associate)
    api.get(_path, policy=f"identity:check_policy_association_for_{_kind}", status=204)(check)
    api.delete(_path, policy=f"identity:delete_policy_association_for_{_kind}", status=204,
               event="identity.policy_association.deleted")(dissociate)


@api.get(f"{ROOT}/endpoints", policy="identity:list_endpoints_for_policy")
def index(keystone: Keystone, ctx: Context, policy_id: str) -> Document:
    """List the endpoints that associations of a policy cover."""
    rows = policy_associations.list_endpoints(keystone, policy_id)
    return collection("endpoints", map(endpoints.view, rows))


@api.get("/endpoints/<endpoint_id>/OS-ENDPOINT-POLICY/policy",
         policy="identity:get_policy_for_endpoint")
def show(keystone: Keystone, ctx: Context, endpoint_id: str) -> Document:
    """Show the policy that an endpoint goes by: its own, its region's or its service's."""
    return {"policy": policies.view(policy_associations.get_policy(keystone, endpoint_id))}
