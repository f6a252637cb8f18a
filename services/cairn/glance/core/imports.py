"""What it takes for an import to begin."""

import uuid
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import Conflict, Invalid
from cairn.glance.component import Glance
from cairn.glance.core import access, import_state, locations, remote, tasks, usage
from cairn.glance.db.data import Task
from cairn.glance.db.models import Image

# What status an image must have for a method, and how a refusal says so.
BEFORE = {
    "glance-direct": ("uploading", "Image needs to be staged before 'glance-direct' method can be "
                                   "used"),
    "web-download": ("queued", "Image needs to be in 'queued' state to use 'web-download' method"),
    "glance-download": ("queued", "Image needs to be in 'queued' state to use 'glance-download' "
                                  "method"),
    "copy-image": ("active", "Only images with status active can be targeted for copying"),
}


def stores_of(glance: Glance, body: dict[str, Any], header: str | None) -> list[str]:
    """The stores an import is for. Raises Invalid, NoSuchStore."""
    if body.get("all_stores", False):
        if "stores" in body or header:
            raise Invalid(reason="all_stores can't be used with stores or the header "
                                 "X-Image-Meta-Store.")
        return glance.stores.writable
    if "stores" in body and header:
        raise Invalid(reason="stores and the header X-Image-Meta-Store can't be used together.")
    names = body.get("stores") or ([header] if header else glance.stores.import_to)
    for name in names:
        glance.stores.to_write(name)
    return list(dict.fromkeys(names))


def check_method(glance: Glance, method: dict[str, Any]) -> None:
    """Raises Invalid when something is wrong with what a method needs."""
    name = method["name"]
    if name not in glance.imports.methods.split() or name not in BEFORE:
        raise Invalid(reason=f"Unknown import method name '{name}'.")
    if name == "web-download":
        glance.stores.gate.check(method.get("uri"))
    elif name == "glance-download":
        for needed in ("glance_region", "glance_image_id"):
            if needed not in method:
                raise Invalid(reason=f"'{needed}' needs to be set for glance-download import "
                                     "method")
        try:
            uuid.UUID(str(method["glance_image_id"]))
        except ValueError:
            raise Invalid(reason="Remote image id does not look like a UUID: "
                                 f"{method['glance_image_id']}") from None
        method.setdefault("glance_service_interface", "public")


def check_visible(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound."""
    with glance.db.reading() as session:
        access.find_for(glance.policy, session, ctx, image_id, "get_image")


def list_tasks(glance: Glance, ctx: Context, image_id: str) -> list[Task]:
    """The image's tasks, the newest first. Raises Forbidden, ImageNotFound."""
    glance.policy.enforce(ctx, "get_tasks")
    with glance.db.reading() as session:
        access.find_for(glance.policy, session, ctx, image_id, "get_image")
        return tasks.of_image(session, image_id)


def begin(
    glance: Glance, ctx: Context, image_id: str, body: dict[str, Any], header: str | None
) -> None:
    """Write the task of an import. Its image is nobody else's from now on."""
    method = body["method"]
    with glance.db.reading() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, _rule(method))
    _check_status(image, method["name"])
    check_method(glance, method)
    stores = stores_of(glance, body, header)
    seen = remote.look(glance, ctx, method) if method["name"] == "glance-download" else None
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        image = access.find_for(
            glance.policy, session, ctx, image_id, _rule(method), lock=True)
        _check_status(image, method["name"])
        usage.hold(session, ctx.project, allowed, usage.SIZE, image.size or 0)
        had = [row.store for row in locations.of(session, [image_id])[image_id]]
        if method["name"] == "copy-image":
            stores = _missing(stores, had, bool(body.get("all_stores")))
        _take(session, image, method["name"])
        if not stores:
            import_state.put(session, image_id, **{
                import_state.IMPORTING: "", import_state.FAILED: ""})
            events.unchanged()
            return
        task = tasks.start(
            glance, session, ctx, type="api_image_import", kind="import", image_id=image_id,
            input={"image_id": image_id, "import_req": body, "backend": stores},
            args={"method": method, "stores": stores, "had": had, "remote": seen,
                  "room": allowed.get(usage.SIZE, -1),
                  "must_succeed": body.get("all_stores_must_succeed", True),
                  "before": {"disk_format": image.disk_format,
                             "container_format": image.container_format} if seen else None},
        )
        import_state.put(session, image_id, **{
            import_state.LOCK: task.id, import_state.IMPORTING: ",".join(stores),
            import_state.FAILED: ""})
    glance.ring(ctx)


def _rule(method: dict[str, Any]) -> str:
    return "copy_image" if method.get("name") == "copy-image" else "modify_image"


def _check_status(image: Image, method: str) -> None:
    if method not in BEFORE:
        raise Invalid(reason=f"Unknown import method name '{method}'.")
    status, words = BEFORE[method]
    if image.status == "active" and method != "copy-image":
        raise Conflict(reason="Image with status active cannot be target for import")
    if image.status != status:
        raise Conflict(reason=words)
    for name in ("container_format", "disk_format"):
        if not getattr(image, name):
            raise Conflict(reason=f"'{name}' needs to be set before import")


def _missing(stores: list[str], had: list[str], all_stores: bool) -> list[str]:
    present = [name for name in stores if name in had]
    if present and not all_stores:
        raise Invalid(reason=f"Image is already present at store '{present[0]}'")
    return [name for name in stores if name not in had]


def _take(session: Session, image: Image, method: str) -> None:
    """Of two imports the database lets one begin."""
    if method == "copy-image":
        # An image that stays active is held by its mark.
        locked = session.scalar(import_state.lock_of(image.id))
        if locked is not None:
            raise Conflict(reason=f"New operation on image '{image.id}' is not permitted as prior "
                                  "operation is still in progress")
        return
    status, words = BEFORE[method]
    taken = session.execute(
        update(Image).where(Image.id == image.id, Image.status == status,
                            Image.saving_by.is_(None)).values(status="importing"))
    if not changed(taken):
        raise Conflict(reason=words)
    locations.forget(session, image.id)
