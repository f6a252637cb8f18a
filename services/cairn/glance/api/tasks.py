"""/v2/tasks"""

from typing import Any

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid, MethodNotAllowed
from cairn.glance.component import Glance
from cairn.glance.core import image_tasks, tasks
from cairn.glance.policy import RULES

api = Api(RULES)
CREATE: Schema = {
    "type": "object", "required": ["type", "input"], "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "enum": ["import"]},
        "input": {
            "type": "object", "additionalProperties": True,
            "required": ["import_from", "import_from_format", "image_properties"],
            "properties": {
                "import_from": {"type": "string"}, "import_from_format": {"type": "string"},
                "image_properties": {"type": "object", "additionalProperties": True}},
        },
    },
}


def _moment(when: Any) -> str:
    return f"{when.isoformat(timespec='seconds')}Z"


def stub(task: Any) -> Document:
    document = {
        "id": task.id, "type": task.type, "status": task.status, "owner": task.owner,
        "created_at": _moment(task.created_at), "schema": "/v2/schemas/task",
        "updated_at": _moment(task.updated_at or task.created_at), "self": f"/v2/tasks/{task.id}",
    }
    if task.expires_at is not None:
        document["expires_at"] = _moment(task.expires_at)
    return document


def view(task: Any) -> Document:
    return stub(task) | {
        "input": task.input, "message": task.message, "result": task.result,
        "image_id": task.image_id, "request_id": task.request_id, "user_id": task.user_id}


@api.post("/tasks", policy="tasks_api_access", body=CREATE, status=201,
          event="task.create")
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    """Make an image of what is at an address, the way it was done before imports."""
    document = view(image_tasks.create_task(glance, ctx, body["input"]))
    return Reply(document, 201, {"Location": f"/image/v2/tasks/{document['id']}"})


@api.get("/tasks", policy="tasks_api_access", query={"type": "object"})
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    key, direction = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
    if key not in tasks.SORTABLE or direction not in ("asc", "desc"):
        raise Invalid(reason=f"Unsupported sort key or direction: {key} {direction}")
    filters = {}
    for name, values in (("status", tasks.STATES), ("type", ("import",))):
        if name in query:
            if query[name] not in values:
                raise Invalid(reason=f"Invalid {name} value: {query[name]}")
            filters[name] = query[name]
    asked = parse_whole(query.get("limit", "25"))
    if asked is None:
        raise Invalid(reason="limit param must be a non-negative integer")
    limit = min(asked, 1000)
    rows = tasks.list_tasks(glance, ctx, filters, key, direction, query.get("marker"), limit)
    document: Document = {"tasks": [stub(row) for row in rows], "first": "/v2/tasks",
                          "schema": "/v2/schemas/tasks"}
    if limit and len(rows) == limit:
        document["next"] = f"/v2/tasks?marker={rows[-1].id}&limit={limit}"
    return document


@api.get("/tasks/<task_id>", policy="tasks_api_access")
def show(glance: Glance, ctx: Context, task_id: str) -> Document:
    return view(tasks.show_task(glance, ctx, task_id))


@api.delete("/tasks/<task_id>", policy="tasks_api_access",
            changes_nothing="a task goes at its time")
def delete(glance: Glance, ctx: Context, task_id: str) -> None:
    """Tasks are forgotten at their expires_at, not before."""
    glance.policy.enforce(ctx, "modify_task")
    raise MethodNotAllowed
