"""/v2/images/{id}/import, /v2/images/{id}/tasks and /v2/info/import."""

from typing import Any

from cairn.common.api import ANYONE, Api, Document, Schema, Validator
from cairn.common.context import Context
from cairn.common.wsgi import parse_json
from cairn.glance.api import tasks as task_views
from cairn.glance.component import Glance
from cairn.glance.core import imports
from cairn.glance.policy import RULES

api = Api(RULES)
IMPORT: Schema = {
    "type": "object", "required": ["method"], "additionalProperties": True,
    "properties": {
        "method": {
            "type": "object", "required": ["name"], "additionalProperties": True, "properties": {
                "name": {"type": "string"}, "uri": {"type": "string"},
                "glance_image_id": {"type": "string"}, "glance_region": {"type": "string"},
                "glance_service_interface": {"type": "string"}}},
        "stores": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "all_stores": {"type": "boolean"}, "all_stores_must_succeed": {"type": "boolean"},
    },
}
check = Validator(IMPORT)


# Raw, for its header; its body is held against IMPORT all the same.
@api.post("/images/<image_id>/import", policy="modify_image", status=202, raw=True, late=True,
          event="task.create")
def begin(glance: Glance, ctx: Context, image_id: str, request: Any) -> Document:
    """Import what is staged, or what is elsewhere, in the background."""
    imports.check_visible(glance, ctx, image_id)
    body = parse_json(request.get_data(cache=False))
    check(body)
    imports.begin(glance, ctx, image_id, body, request.headers.get("X-Image-Meta-Store"))
    return {}


@api.get("/images/<image_id>/tasks", policy="get_image", late=True)
def index(glance: Glance, ctx: Context, image_id: str) -> Document:
    """List the tasks that worked, or work, on an image, the newest first, until they expire."""
    return {"tasks": [task_views.view(task)
                      for task in imports.list_tasks(glance, ctx, image_id)]}


@api.get("/info/import", policy=ANYONE)
def methods(glance: Glance, ctx: Context) -> Document:
    """Show the import methods that this cloud offers."""
    return {"import-methods": {
        "description": "Import methods available.", "type": "array",
        "value": glance.imports.methods.split()}}
