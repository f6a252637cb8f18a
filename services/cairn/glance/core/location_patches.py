"""The `locations` of a patch, where the settings let locations be seen at all."""

import time
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, Refused
from cairn.glance.component import Glance
from cairn.glance.core import access, content, import_state, locations, tasks
from cairn.glance.core.patching import Change
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image
from cairn.glance.drivers.transfers import OPENING
from cairn.glance.errors import LocationsHidden

CHECKED = ("checksum", "os_hash_algo", "os_hash_value")
# Sizes of new locations by their addresses.
Sizes = dict[str, int | None]


def look(glance: Glance, ctx: Context, image_id: str, changes: list[Change]) -> Sizes:
    """The sizes of the new locations of a patch: asked for before its transaction, for as long as
    one answer may take. Raises what is wrong with them."""
    urls: list[str] = []
    for change in changes:
        if change.name == "locations" and change.operation != "remove":
            values = change.value if change.operation == "replace" else [change.value]
            urls += [value["url"] for value in values]
    if not urls or not glance.settings.show_multiple_locations:
        return {}
    with glance.db.reading() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "modify_image")
        access.enforce(glance.policy, ctx, "set_image_location", image)
        existing = {locations.shown(glance.stores, row, access.sees_all(ctx))
                 for row in locations.of(session, [image_id])[image_id]
                 if image.status != "queued"}
    end, sizes = time.monotonic() + OPENING, Sizes()
    for url in urls:
        if url not in existing and url not in sizes:
            if time.monotonic() > end:
                raise Invalid(reason=f"locations: {url} was not reached in time.")
            sizes[url] = _size(glance, url)
    return sizes


def _size(glance: Glance, url: str) -> int | None:
    store = glance.stores.owner(url)
    # A file of this host is no one's to name: it may be another project's image.
    if store is None or store.kind != "http":
        raise Invalid(reason=f"locations: no store of this cloud takes images at {url!r}.")
    glance.stores.gate.check(url)
    try:
        return store.size(url)
    except OSError as error:
        raise Invalid(reason=f"locations: {url} cannot be read: {error}") from error


def apply(
    glance: Glance, session: Session, ctx: Context, image: Image, change: Change, sizes: Sizes
) -> None:
    """Make a change of an image's locations. Raises what is wrong with it."""
    if not glance.settings.show_multiple_locations:
        raise LocationsHidden
    rule = "delete_image_location" if change.operation == "remove" else "set_image_location"
    access.enforce(glance.policy, ctx, rule, image)
    if image.status == "queued":
        locations.forget(session, image.id)
    rows = locations.of(session, [image.id])[image.id]
    if change.operation == "remove":
        _remove(session, image, rows, change.position)
        return
    if image.status not in ("active", "queued"):
        raise Conflict(reason="It's not allowed to change locations if image status is "
                              f"{image.status}.")
    if change.operation == "add":
        _position(change.position, len(rows), True)
        _add(glance, session, ctx, image, rows, change.value, sizes)
    elif rows:
        whole = access.sees_all(ctx)
        _replace(session, rows, change.value,
                 [locations.shown(glance.stores, row, whole) for row in rows])
    else:
        for value in change.value:
            _add(glance, session, ctx, image, rows, value, sizes)
            rows = locations.of(session, [image.id])[image.id]


def _remove(
    session: Session, image: Image, rows: list[ImageLocation], position: str
) -> None:
    if image.status != "active":
        raise Conflict(reason="It's not allowed to remove locations if image status is "
                              f"{image.status}.")
    if len(rows) == 1:
        raise Refused(reason="Cannot remove last location in the image.")
    gone = rows[_position(position, len(rows), False)]
    # The sweeper removes the bytes, if they are ours.
    session.execute(delete(ImageLocation).where(ImageLocation.id == gone.id))


def _replace(
    session: Session, rows: list[ImageLocation], values: list[Any], urls: list[str]
) -> None:
    """Only what is said of the locations may change, not where they are."""
    if [value["url"] for value in values] != urls:
        raise Invalid(reason="locations: only the metadata of locations can be replaced; add or "
                             "remove a location by its position.")
    for row, value in zip(rows, values, strict=True):
        row.meta = {**value["metadata"], "store": row.store}
    session.flush()


def _add(
    glance: Glance, session: Session, ctx: Context, image: Image, rows: list[ImageLocation],
    value: Any, sizes: Sizes,
) -> None:
    url = value["url"]
    if any(row.url == url for row in rows):
        raise Invalid(reason=f"locations: {url} is one of the image's already.")
    store = glance.stores.owner(url)
    if url not in sizes or store is None:
        raise Conflict(reason="locations: the image's locations were changed meanwhile.")
    facts = _checked(image, value.get("validation_data", {}))
    if facts or image.os_hash_value:
        _verify_first(glance, session, ctx, image, store.name, value, facts)
        return
    locations.add(session, image.id, store.name, url, value["metadata"])
    if image.status == "queued":
        image.status, image.size = "active", sizes[url]
    session.flush()


def _verify_first(
    glance: Glance, session: Session, ctx: Context, image: Image, store: str, value: Any,
    facts: dict[str, str],
) -> None:
    """Have the worker read the bytes before they are the image's: a hash is one that was computed
    here, never one that somebody says."""
    if session.scalar(import_state.lock_of(image.id)) is not None:
        raise Conflict(reason="locations: another of the image's is being looked at.")
    if image.status == "queued":
        image.status = "importing"
    held = {name: facts.get(name) or getattr(image, name) for name in CHECKED}
    task = tasks.start(
        glance, session, ctx, type="location_import", kind="location", image_id=image.id,
        input={"image_id": image.id, "loc_url": value["url"],
               "validation_data": value.get("validation_data", {})},
        args={"url": value["url"], "store": store, "meta": value["metadata"],
              "algorithm": held["os_hash_algo"], "value": held["os_hash_value"],
              "checksum": held["checksum"]})
    import_state.put(session, image.id, **{import_state.LOCK: task.id})
    session.flush()


def _checked(image: Image, given: dict[str, str]) -> dict[str, str]:
    """What the image is to be told of its content. Raises Conflict when it knows better."""
    new = {}
    for name in CHECKED:
        if name in given and given[name] != getattr(image, name):
            if getattr(image, name):
                raise Conflict(reason=f"{name} is already set with a different value")
            new[name] = given[name]
    if not new:
        return {}
    if image.status != "queued":
        raise Conflict(reason=f"New value(s) for {', '.join(new)} may only be provided when image "
                              "status is 'queued'")
    if new.get("os_hash_algo") != content.ALGORITHM:
        raise Conflict(reason=f"os_hash_algo must be {content.ALGORITHM}, not "
                              f"{new.get('os_hash_algo')}")
    for name, size in (("checksum", 16), ("os_hash_value", 64)):
        try:
            right = len(bytes.fromhex(new.get(name, "00" * size))) == size
        except ValueError:
            right = False
        if not right:
            raise Conflict(reason=f"{name} ({new[name]}) is not {size} bytes in hexadecimal")
    return new


def _position(text: str, count: int, adding: bool) -> int:
    if adding and text == "-":
        return count
    position = parse_whole(text)
    if position is None or position >= count + adding:
        raise Invalid(reason=f"Invalid position for a location: {text}")
    return position
