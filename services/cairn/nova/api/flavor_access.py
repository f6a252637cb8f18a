"""/flavors/{id}/os-flavor-access: which projects see a flavor that is not public."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.api.schemas import closed, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import flavors
from cairn.nova.policy import RULES

api = Api(RULES)

_TENANT = closed(["tenant"], tenant={"type": "string", "minLength": 1, "maxLength": 255})


def view(flavor_id: str, projects: list[str]) -> Document:
    return {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": project}
                              for project in projects]}


@api.get("/flavors/<flavor_id>/os-flavor-access", policy="os_compute_api:os-flavor-access")
def index(nova: Nova, ctx: Context, flavor_id: str) -> Document:
    """List the projects that may use a flavor that is not public; a public one has no such list."""
    flavor, projects = flavors.get_access(nova, ctx, flavor_id)
    if flavor.is_public:
        raise NotFound("Access list of public flavor", flavor_id)
    return view(flavor_id, projects)


@api.post("/flavors/<flavor_id>/action", action="addTenantAccess",
          policy="os_compute_api:os-flavor-access:add_tenant_access",
          body=wrapped("addTenantAccess", _TENANT), event="flavor.update")
def add(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    """Let a project use a flavor that is not public."""
    return view(flavor_id, flavors.grant(nova, ctx, flavor_id, body["addTenantAccess"]["tenant"]))


@api.post("/flavors/<flavor_id>/action", action="removeTenantAccess",
          policy="os_compute_api:os-flavor-access:remove_tenant_access",
          body=wrapped("removeTenantAccess", _TENANT), event="flavor.update")
def remove(nova: Nova, ctx: Context, flavor_id: str, body: Document) -> Document:
    """Let a project no longer use a flavor; servers that it has keep what they were made from."""
    project_id = body["removeTenantAccess"]["tenant"]
    return view(flavor_id, flavors.revoke(nova, ctx, flavor_id, project_id))
