"""/types/{id}/os-volume-type-access: which projects may use a type that is not public."""

from cairn.cinder.api.schemas import PROJECT, closed, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import type_access
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

_PROJECT = closed(["project"], project=PROJECT)


@api.get("/types/<type_id>/os-volume-type-access",
         policy="volume_extension:volume_type_access:get_all_for_type")
def index(cinder: Cinder, ctx: Context, type_id: str) -> Document:
    """List the projects that may use a volume type that is not public."""
    return {"volume_type_access": [
        {"volume_type_id": type_id, "project_id": project}
        for project in type_access.projects(cinder, ctx, type_id)]}


@api.post("/types/<type_id>/action", action="addProjectAccess", status=202,
          policy="volume_extension:volume_type_access:addProjectAccess",
          body=wrapped("addProjectAccess", _PROJECT), event="volume_type_project.access.add")
def add(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> None:
    """Let a project use a volume type that is not public."""
    type_access.grant(cinder, ctx, type_id, body["addProjectAccess"]["project"])


@api.post("/types/<type_id>/action", action="removeProjectAccess", status=202,
          policy="volume_extension:volume_type_access:removeProjectAccess",
          body=wrapped("removeProjectAccess", _PROJECT),
          event="volume_type_project.access.remove")
def remove(cinder: Cinder, ctx: Context, type_id: str, body: Document) -> None:
    """Let a project no longer use a volume type; volumes that it has stay."""
    type_access.revoke(cinder, ctx, type_id, body["removeProjectAccess"]["project"])
