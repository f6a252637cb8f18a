"""/default-types: the types of projects' volumes that name none."""

from typing import Any

from cairn.cinder.api.schemas import NAME, closed, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import default_types
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

PATH = "/default-types/<project_id>"


def view(row: Any) -> Document:
    """As all of them are shown."""
    return {"project_id": row.project_id, "volume_type_id": row.type_id}


@api.get("/default-types", policy="volume_extension:default_get_all", since="3.62")
def index(cinder: Cinder, ctx: Context) -> Document:
    """List the projects that have a default volume type of their own."""
    return {"default_types": [view(row) for row in default_types.index(cinder)]}


@api.get(PATH, policy="volume_extension:default_get", since="3.62")
def show(cinder: Cinder, ctx: Context, project_id: str) -> Document:
    """Show a project's own default volume type."""
    return {"default_type": view(default_types.show(cinder, project_id))}


@api.put(PATH, policy="volume_extension:default_set_or_update", since="3.62",
         body=wrapped("default_type", closed(["volume_type"], volume_type=NAME)),
         event="default_type.update")
def put(cinder: Cinder, ctx: Context, project_id: str, body: Document) -> Document:
    """Set a project's default volume type, by name or id."""
    name = body["default_type"]["volume_type"]
    return {"default_type": view(default_types.put(cinder, ctx, project_id, name))}


@api.delete(PATH, policy="volume_extension:default_unset", since="3.62", status=204,
            event="default_type.delete")
def unset(cinder: Cinder, ctx: Context, project_id: str) -> None:
    """Let the cloud's default volume type be the project's again."""
    default_types.unset(cinder, ctx, project_id)
