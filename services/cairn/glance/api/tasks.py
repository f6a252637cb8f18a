"""/v2/tasks"""

from typing import Any

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.context import Context
from cairn.common.errors import Invalid, MethodNotAllowed
from cairn.common.listing import read_value
from cairn.glance.api.schemas import TASKS_QUERY
from cairn.glance.api.views import build_links, moment, read_page
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


def stub(task: Any) -> Document:
    document = {
        "id": task.id, "type": task.type, "status": task.status, "owner": task.owner,
        "created_at": moment(task.created_at), "schema": "/v2/schemas/task",
        "updated_at": moment(task.updated_at or task.created_at), "self": f"/v2/tasks/{task.id}",
    }
    if task.expires_at is not None:
        document["expires_at"] = moment(task.expires_at)
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


@api.get("/tasks", policy="tasks_api_access", query=TASKS_QUERY)
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    """List tasks that have not expired: the project's own, or all for an administrator."""
    filters = {}
    for name, values in (("status", tasks.STATES), ("type", tasks.TYPES)):
        value = read_value(query, name)
        if value is not None and value not in values:
            raise Invalid(reason=f"Invalid {name} value: {value}")
        if value is not None:
            filters[name] = value
    page = read_page(glance, query, tasks.SORTABLE, glance.settings.limit_param_default)
    rows = tasks.list_tasks(glance, ctx, filters, page)
    last = rows[-1].id if rows and len(rows) == page.limit else None
    return {"tasks": [stub(row) for row in rows], "schema": "/v2/schemas/tasks",
            **build_links("/v2/tasks", query, last)}


@api.get("/tasks/<task_id>", policy="tasks_api_access")
def show(glance: Glance, ctx: Context, task_id: str) -> Document:
    """Show a task with its input and its result."""
    return view(tasks.show_task(glance, ctx, task_id))


@api.delete("/tasks/<task_id>", policy="tasks_api_access",
            changes_nothing="a task goes at its time")
def delete(glance: Glance, ctx: Context, task_id: str) -> None:
    """Tasks are forgotten at their expires_at, not before."""
    glance.policy.enforce(ctx, "modify_task")
    raise MethodNotAllowed
