"""/v2/tasks"""

from typing import Any

from sqlalchemy import ColumnElement

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.context import Context
from cairn.common.errors import Invalid, MethodNotAllowed, NotFound
from cairn.common.pagination import page
from cairn.glance.component import Glance
from cairn.glance.core import images, tasks, usage
from cairn.glance.core.numbers import whole
from cairn.glance.db.data import Task
from cairn.glance.db.models import Image
from cairn.glance.policy import RULES

api = Api(RULES)
SORTABLE: dict[str, ColumnElement[Any]] = {
    name: getattr(Task, name)
    for name in ("created_at", "updated_at", "expires_at", "id", "type", "status")}
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


def stub(task: Task) -> Document:
    document = {
        "id": task.id, "type": task.type, "status": task.status, "owner": task.owner,
        "created_at": _moment(task.created_at), "schema": "/v2/schemas/task",
        "updated_at": _moment(task.updated_at or task.created_at), "self": f"/v2/tasks/{task.id}",
    }
    if task.expires_at is not None:
        document["expires_at"] = _moment(task.expires_at)
    return document


def view(task: Task) -> Document:
    return stub(task) | {
        "input": task.input, "message": task.message, "result": task.result,
        "image_id": task.image_id, "request_id": task.request_id, "user_id": task.user_id}


@api.post("/tasks", policy="tasks_api_access", body=CREATE, status=201)
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    """Make an image of what is at an address, the way it was done before imports."""
    given = body["input"]
    glance.stores.gate.check(given["import_from"])
    properties = dict(given["image_properties"])
    if properties.get("disk_format", given["import_from_format"]) != given["import_from_format"]:
        raise Invalid(reason="import_from_format is not the image's disk_format.")
    known = {name: properties[name] for name in (
        "name", "visibility", "container_format", "disk_format", "min_disk", "min_ram",
        "protected") if name in properties}
    allowed = usage.limits(glance, ctx)
    stores = list(glance.stores.import_to)
    with glance.db.writing() as session:
        image = Image(**{"disk_format": given["import_from_format"], "container_format": "bare",
                         **known, "owner": ctx.project, "status": "importing"})
        usage.hold(session, ctx.project, allowed, usage.COUNT, 1)
        session.add(image)
        session.flush()
        images.set_properties(session, image.id, {}, {
            name: str(value) for name, value in properties.items()
            if name not in known and name != "id" and not name.startswith("os_glance")})
        task = tasks.start(
            session, ctx, type="import", kind="import", image_id=image.id, input=given,
            args={"method": {"name": "web-download", "uri": given["import_from"]},
                  "stores": stores, "had": [], "remote": None, "must_succeed": True,
                  "room": allowed.get(usage.SIZE, -1), "before": None})
        document = view(task)
    if glance.worker is not None:
        glance.worker.ring(ctx)
    return Reply(document, 201, {"Location": f"/image/v2/tasks/{document['id']}"})


@api.get("/tasks", policy="tasks_api_access", query={"type": "object"})
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    wanted = tasks.visible(ctx)
    key, direction = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
    if key not in SORTABLE or direction not in ("asc", "desc"):
        raise Invalid(reason=f"Unsupported sort key or direction: {key} {direction}")
    for name, known in (("status", tasks.STATES), ("type", ("import",))):
        if name in query:
            if query[name] not in known:
                raise Invalid(reason=f"Invalid {name} value: {query[name]}")
            wanted = wanted.where(getattr(Task, name) == query[name])
    text = query.get("limit", "25")
    asked = whole(text)
    if asked is None:
        raise Invalid(reason="limit param must be a non-negative integer")
    limit = min(asked, 1000)
    keys = [(SORTABLE[key], direction), (SORTABLE["id"], direction)]
    with glance.db.reading() as session:
        after = None
        if "marker" in query:
            try:
                marker = tasks.find(session, ctx, query["marker"])
            except NotFound as error:
                raise Invalid(reason=f"marker: {error}") from error
            after = [getattr(marker, key), marker.id]
        rows = session.scalars(page(wanted, keys, after=after, limit=limit)).all()
    document: Document = {"tasks": [stub(row) for row in rows], "first": "/v2/tasks",
                          "schema": "/v2/schemas/tasks"}
    if limit and len(rows) == limit:
        document["next"] = f"/v2/tasks?marker={rows[-1].id}&limit={limit}"
    return document


@api.get("/tasks/<task_id>", policy="tasks_api_access")
def show(glance: Glance, ctx: Context, task_id: str) -> Document:
    with glance.db.reading() as session:
        return view(tasks.find(session, ctx, task_id))


@api.delete("/tasks/<task_id>", policy="tasks_api_access")
def delete(glance: Glance, ctx: Context, task_id: str) -> None:
    """Tasks are forgotten at their expires_at, not before."""
    raise MethodNotAllowed
