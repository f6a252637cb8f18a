"""Where callers may get an image's bytes from, may say that they are, and may not any more."""

from collections.abc import Mapping
from typing import Any

from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Refused
from cairn.glance.component import Glance
from cairn.glance.core import access, import_state, locations, notices, tasks
from cairn.glance.core.claims import begin_importing
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image


def find_to_read(
    glance: Glance, ctx: Context, image_id: str, choose: bool
) -> tuple[Image, list[ImageLocation]]:
    """An image that the caller may download (with `choose`: from a store of their choice) and its
    locations. Raises ImageNotFound, Forbidden."""
    with glance.db.reading() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "download_image")
        if choose:
            access.enforce(glance.policy, ctx, "download_from_store", image)
        return image, locations.of(session, [image_id])[image_id]


def list_locations(glance: Glance, ctx: Context, image_id: str) -> list[ImageLocation]:
    """Oldest first. Raises ImageNotFound, Forbidden."""
    with glance.db.reading() as session:
        access.find_for(glance.policy, session, ctx, image_id, "fetch_image_location")
        return locations.of(session, [image_id])[image_id]


def check_addable(glance: Glance, ctx: Context, image_id: str, url: str) -> str:
    """The name of the store that the address belongs to. Raises ImageNotFound, Forbidden,
    Conflict, Refused, Invalid."""
    with glance.db.reading() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "add_image_location")
    if image.status != "queued":
        raise Conflict(reason="It's not allowed to add locations if image status is "
                              f"{image.status}.")
    store = glance.stores.owner(url)
    if not ctx.is_service and (store is None or store.kind != "http"):
        raise Refused(reason="http store must be enabled to use location API by normal user.")
    if store is None or store.kind == "file":
        raise Invalid(reason=f"url: no store of this cloud takes images of others at {url}.")
    return store.name


def add_location(
    glance: Glance, ctx: Context, image_id: str, url: str, store_name: str,
    validation: Mapping[str, str] | None,
) -> None:
    """Have the worker look at the bytes there and make them the queued image's. `validation`: the
    algorithm and value of their hash. Raises Invalid, Conflict, WrongState."""
    store = glance.stores.find(store_name)
    if store.kind == "http":
        glance.stores.gate.check(url)
    with glance.db.writing() as session:
        if store.kind != "http" and locations.taken(session, url):
            raise Conflict(reason=f"url: {url} has the bytes of an image already.")
        begin_importing(session, image_id)
        request: dict[str, Any] = {
            "image_id": image_id, "loc_url": url, "validation_data": dict(validation or {})}
        task = tasks.start(
            glance, session, ctx, type="location_import", kind="location", image_id=image_id,
            input=request,
            args={"url": url, "store": store.name, "meta": {}, "checksum": None,
                  "algorithm": validation["os_hash_algo"] if validation else None,
                  "value": validation["os_hash_value"].lower() if validation else None})
        import_state.put(session, image_id, **{import_state.LOCK: task.id})
    glance.ring(ctx)


def remove_from_store(glance: Glance, ctx: Context, image_id: str, store: str) -> None:
    """Take the bytes out of one store, never the last. Raises ImageNotFound, Forbidden,
    NoSuchStore, Conflict, NotFound, Refused."""
    with glance.db.writing() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "get_image_location")
        access.enforce(glance.policy, ctx, "delete_image_location", image)
        glance.stores.find(store)
        if image.status != "active":
            raise Conflict(reason="It's not allowed to remove image data from store if image "
                                  "status is not 'active'")
        rows = locations.of(session, [image_id])[image_id]
        if len(rows) == 1:
            raise Refused(reason="Cannot delete image data from the only store containing it. "
                                 "Consider deleting the image instead.")
        if not any(row.store == store for row in rows):
            raise NotFound(kind=f"Image {image_id} in store", id=store)
        places = locations.forget(session, image_id, store)
        notices.record_image(session, ctx, "update", image)
    locations.remove(glance.stores, places)
