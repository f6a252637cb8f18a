"""/v3/role_assignments: who has what, by any filter."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api.views import collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import role_assignments
from cairn.keystone.core.assignments import Held
from cairn.keystone.core.role_assignments import Names
from cairn.keystone.policy import RULES

api = Api(RULES)


@api.get("/role_assignments", policy="identity:list_role_assignments",
         query=role_assignments.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List who has which role where; with `effective`, what groups and inheritance come to."""
    held, names = role_assignments.list_held(keystone, ctx, query)
    return collection("role_assignments", [_view(each, names) for each in held])


def _view(held: Held, names: Names | None) -> Document:
    def reference(id_: str) -> Document:
        return names.reference(id_) if names is not None else {"id": id_}

    scope: Document = (
        {"system": {"all": True}} if held.target == "system"
        else {held.target: reference(held.target_id)}
    )
    if held.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    document = {
        "role": reference(held.role_id), held.actor: reference(held.actor_id), "scope": scope,
    }
    actor, actor_id = ("group", held.group_id) if held.group_id else (held.actor, held.actor_id)
    place, place_id = held.from_ or (held.target, held.target_id)
    where = "system" if place == "system" else f"{place}s/{place_id}"
    path = f"{where}/{actor}s/{actor_id}/roles/{held.prior_id or held.role_id}"
    if held.inherited:
        path = f"OS-INHERIT/{path}/inherited_to_projects"
    links = {"assignment": link(path)}
    if held.group_id:
        links["membership"] = link(f"groups/{held.group_id}/users/{held.actor_id}")
    if held.prior_id:
        links["prior_role"] = link(f"prior_roles/{held.prior_id}/implies/{held.role_id}")
    return {**document, "links": links}
