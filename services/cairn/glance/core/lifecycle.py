"""An image from its creation to its end."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.context import Context
from cairn.common.db import changed, new_id, utcnow
from cairn.common.errors import Conflict, Refused
from cairn.glance.component import Glance
from cairn.glance.core import (
    access,
    images,
    location_patches,
    locations,
    notices,
    patching,
    uploads,
    usage,
)
from cairn.glance.core.images import ImageRecord
from cairn.glance.db.models import Image, SpentId
from cairn.glance.errors import ReadOnly, Reserved

# What an image may be set to by an action, and what it must be before.
ACTIONS = {"deactivate": ("deactivated", "active"), "reactivate": ("active", "deactivated")}


def show_image(glance: Glance, ctx: Context, image_id: str) -> ImageRecord:
    """Raises ImageNotFound."""
    with glance.db.reading() as session:
        row = access.find_row(session, ctx, image_id)
        record = images.read_records(session, [row])[0]
    access.enforce(glance.policy, ctx, "get_image", row, record.properties)
    return record


def create_image(glance: Glance, ctx: Context, request: Mapping[str, Any]) -> ImageRecord:
    """A queued image of these attributes and properties. Raises Reserved, ReadOnly, Invalid,
    OverLimit, OverQuota, Forbidden, Conflict."""
    for name in request:
        if name == "locations":
            raise Reserved(name=name)
        if name == "stores" or (name in patching.READ_ONLY and name != "id"):
            raise ReadOnly(name=name)
    fields = {name: request[name] for name in patching.ATTRIBUTES
              if name in request and name != "tags"}
    now = utcnow()
    fields = {"owner": ctx.project, "visibility": "shared", "status": "queued"} | fields
    image = Image(**fields, id=request.get("id", new_id()).lower(), created_at=now, updated_at=now)
    glance.policy.enforce(ctx, "add_image", access.target(glance.policy, ctx, image, {}))
    _check_visibility(glance, ctx, image, image.visibility)
    properties = _read_properties(glance, ctx, request)
    tags = set(request.get("tags", ()))
    images.check_quota("properties", len(properties), glance.settings.image_property_quota)
    images.check_quota("tags", len(tags), glance.settings.image_tag_quota)
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        usage.hold(session, ctx.project, allowed, usage.COUNT, 1)
        if "id" in request and session.get(SpentId, image.id) is not None:
            raise Conflict(reason=f"Image ID {image.id} already exists!")
        session.add(image)
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(reason=f"Image ID {image.id} already exists!") from None
        images.set_tags(session, image.id, tags)
        images.set_properties(session, image.id, {}, properties)
        notices.record_image(session, ctx, "create", image, properties, sorted(tags))
        return images.read_records(session, [image])[0]


def _read_properties(
    glance: Glance, ctx: Context, request: Mapping[str, Any]
) -> dict[str, str]:
    given = {name: value for name, value in request.items()
             if name not in patching.ATTRIBUTES and name != "id"}
    for name in given:
        patching.check_name(name)
    glance.property_schemas.check_all(given)
    properties = {name: value for name, value in given.items() if value is not None}
    for name, value in properties.items():
        patching.check_text(name, value)
        if not glance.protections.allows(glance.policy, ctx, "create", name):
            raise Reserved(name=name)
    return properties


def _check_visibility(glance: Glance, ctx: Context, image: Image, visibility: str) -> None:
    rule = {"public": "publicize_image", "community": "communitize_image"}.get(visibility)
    if rule:
        glance.policy.enforce(ctx, rule, access.target(glance.policy, ctx, image))


def update_image(
    glance: Glance, ctx: Context, image_id: str, changes: list[patching.Change]
) -> ImageRecord:
    """Make the changes of a patch, all or none. Raises what is wrong with them."""
    sizes = location_patches.look(glance, ctx, image_id, changes)

    def write(session: Session) -> ImageRecord:
        image = access.find_for(
            glance.policy, session, ctx, image_id, "modify_image", lock=bool(changes))
        if changes:
            _apply(glance, session, ctx, image, changes, sizes)
        record = images.read_records(session, [image])[0]
        if changes:
            notices.record_image(session, ctx, "update", image, record.properties, record.tags)
        else:
            events.unchanged()
        return record

    record = glance.db.write(write)
    if sizes:
        glance.ring(ctx)
    return record


def _apply(
    glance: Glance, session: Session, ctx: Context, image: Image, changes: list[patching.Change],
    sizes: location_patches.Sizes,
) -> None:
    before = images.read_extras(session, [image.id])[0][image.id]
    properties = dict(before)

    def allows(operation: str, name: str) -> bool:
        return glance.protections.allows(glance.policy, ctx, operation, name)

    for change in changes:
        if change.name == "locations":
            location_patches.apply(glance, session, ctx, image, change, sizes)
            continue
        if change.name not in patching.ATTRIBUTES:
            patching.set_property(properties, change, allows)
            continue
        if change.name == "visibility" and change.operation != "remove":
            _check_visibility(glance, ctx, image, change.value)
        patching.set_attribute(image, change, ctx.is_admin)
        if change.name == "tags":
            images.check_quota("tags", len(set(change.value)), glance.settings.image_tag_quota)
            images.set_tags(session, image.id, change.value)
    if properties.keys() - before.keys():
        images.check_quota("properties", len(properties), glance.settings.image_property_quota)
    images.set_properties(session, image.id, before, properties)
    image.updated_at = utcnow()
    session.flush()


def delete_image(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound, Forbidden, Protected."""
    with glance.db.writing() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "delete_image")
        images.remove(session, image)
        places = locations.forget(session, image_id)
        notices.record_image(session, ctx, "delete", image, status="deleted")
    # After the commit: the sweeper removes what a death in between leaves.
    uploads.forget(glance, image_id, places)


def run_action(glance: Glance, ctx: Context, image_id: str, action: str) -> None:
    """Deactivate or reactivate; nothing where it was done before. Raises ImageNotFound, Forbidden,
    Refused."""
    after, before = ACTIONS[action]
    with glance.db.writing() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, action)
        if image.status not in (before, after):
            raise Refused(reason=f"Not allowed to {action} image in status '{image.status}'")
        if changed(session.execute(update(Image).where(
                Image.id == image.id, Image.status == before).values(status=after))):
            notices.record_image(session, ctx, "update", image, status=after)
        else:
            events.unchanged()
