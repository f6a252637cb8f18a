"""Making an image of what is at an address, the way it was done before imports."""

from collections.abc import Mapping
from typing import Any

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.glance.component import Glance
from cairn.glance.core import images, notices, tasks, usage
from cairn.glance.db.data import Task
from cairn.glance.db.models import Image

FIELDS = ("name", "visibility", "container_format", "disk_format", "min_disk", "min_ram",
          "protected")


def create_task(glance: Glance, ctx: Context, request: Mapping[str, Any]) -> Task:
    """The task of an import from `import_from` into a new image. Raises Invalid, OverQuota."""
    glance.stores.gate.check(request["import_from"])
    properties = dict(request["image_properties"])
    declared = request["import_from_format"]
    if properties.get("disk_format", declared) != declared:
        raise Invalid(reason="import_from_format is not the image's disk_format.")
    fields = {name: properties[name] for name in FIELDS if name in properties}
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        image = Image(**{"disk_format": declared, "container_format": "bare", **fields,
                         "owner": ctx.project, "status": "importing"})
        usage.hold(session, ctx.project, allowed, usage.COUNT, 1)
        session.add(image)
        session.flush()
        images.set_properties(session, image.id, {}, {
            name: str(value) for name, value in properties.items()
            if name not in fields and name != "id" and not name.startswith("os_glance")})
        notices.record_image(session, ctx, "create", image)
        task = tasks.start(
            glance, session, ctx, type="import", kind="import", image_id=image.id,
            input=dict(request),
            args={"method": {"name": "web-download", "uri": request["import_from"]},
                  "stores": list(glance.stores.import_to), "had": [], "remote": None,
                  "must_succeed": True, "room": allowed.get(usage.SIZE, -1), "before": None})
    glance.ring(ctx)
    return task
