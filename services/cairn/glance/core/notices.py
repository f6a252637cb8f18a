"""What is told of changes, with the types and the fields of upstream's notifications."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.glance.db.data import Task
from cairn.glance.db.metadefs import Association, Definition, Namespace
from cairn.glance.db.models import Event, Image, ImageMember

IMAGE_FIELDS = ("id", "name", "status", "visibility", "min_disk", "min_ram", "protected",
                "checksum", "owner", "disk_format", "container_format", "size", "virtual_size")


def record_image(
    session: Session, ctx: Context, verb: str, image: Image,
    properties: Mapping[str, str] | None = None, tags: Sequence[str] | None = None, **facts: Any,
) -> None:
    """Record image.VERB. `facts` are written instead of what the record says; properties and tags
    are told where they are at hand."""
    payload = {name: getattr(image, name) for name in IMAGE_FIELDS} | facts
    payload["is_public"] = payload["visibility"] == "public"
    payload["deleted"] = verb == "delete"
    if properties is not None:
        payload["properties"] = dict(properties)
    if tags is not None:
        payload["tags"] = list(tags)
    Event.record(session, ctx, f"image.{verb}", "image", image.id, payload,
                 project_id=image.owner or "")


def record_image_id(
    session: Session, ctx: Context, verb: str, image_id: str, **facts: Any
) -> None:
    """The same of an image that is only known by its id."""
    Event.record(session, ctx, f"image.{verb}", "image", image_id, {"id": image_id, **facts})


def record_member(
    session: Session, ctx: Context, verb: str, image: Image, member: ImageMember
) -> None:
    """Record image.member.VERB, for the project that owns the image."""
    Event.record(session, ctx, f"image.member.{verb}", "image", image.id, {
        "image_id": image.id, "member_id": member.member, "status": member.status,
        "deleted": verb == "delete"}, project_id=image.owner or "")


def record_task(session: Session, ctx: Context, verb: str, task: Task) -> None:
    """Record task.VERB, for the project that owns the task."""
    Event.record(session, ctx, f"task.{verb}", "task", task.id, {
        "id": task.id, "type": task.type, "status": task.status, "owner": task.owner,
        "image_id": task.image_id}, project_id=task.owner)


def record_task_id(session: Session, ctx: Context, verb: str, task_id: str, message: str) -> None:
    """The same of a task that is only known by its id."""
    Event.record(session, ctx, f"task.{verb}", "task", task_id, {
        "id": task_id, "status": verb, "message": message})


def record_namespace(
    session: Session, ctx: Context, verb: str, namespace: Namespace, old_name: str | None = None
) -> None:
    """Record metadef_namespace.VERB. `old_name` is what it was called before, if that was
    otherwise."""
    Event.record(session, ctx, f"metadef_namespace.{verb}", "metadef_namespace",
                 namespace.namespace, {
        "namespace": namespace.namespace, "namespace_old": old_name or namespace.namespace,
        "display_name": namespace.display_name, "description": namespace.description,
        "visibility": namespace.visibility, "protected": namespace.protected,
        "owner": namespace.owner, "deleted": verb == "delete"}, project_id=namespace.owner)


def record_content(
    session: Session, ctx: Context, kind: str, verb: str, namespace: Namespace,
    content: Definition, old_name: str | None = None,
) -> None:
    """Record metadef_KIND.VERB of an object, a property or a tag, each told as NAMESPACE/NAME."""
    Event.record(session, ctx, f"metadef_{kind}.{verb}", f"metadef_{kind}",
                 f"{namespace.namespace}/{content.name}", {
        "namespace": namespace.namespace, "name": content.name,
        "name_old": old_name or content.name, "deleted": verb == "delete"},
        project_id=namespace.owner)


def record_association(
    session: Session, ctx: Context, verb: str, namespace: Namespace, name: str,
    association: Association,
) -> None:
    """Record metadef_resource_type.VERB: that a namespace goes on a resource type, or no more."""
    Event.record(session, ctx, f"metadef_resource_type.{verb}", "metadef_resource_type",
                 f"{namespace.namespace}/{name}", {
        "namespace": namespace.namespace, "name": name, "prefix": association.prefix,
        "properties_target": association.properties_target, "deleted": verb == "delete"},
        project_id=namespace.owner)
