"""The `locations` of a patch, where the settings let locations be seen at all."""

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, Refused
from cairn.glance.component import Glance
from cairn.glance.core import content, images, locations
from cairn.glance.core.patching import Change
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image
from cairn.glance.errors import LocationsHidden

CHECKED = ("checksum", "os_hash_algo", "os_hash_value")


def apply(glance: Glance, session: Session, ctx: Context, image: Image, change: Change) -> None:
    """Make a change of an image's locations. Raises what is wrong with it."""
    if not glance.settings.show_multiple_locations:
        raise LocationsHidden
    rule = "delete_image_location" if change.operation == "remove" else "set_image_location"
    images.enforce(glance.policy, ctx, rule, image)
    found = locations.of(session, [image.id])[image.id]
    if change.operation == "remove":
        _remove(session, image, found, change.position)
        return
    if image.status not in ("active", "queued"):
        raise Conflict(reason="It's not allowed to change locations if image status is "
                              f"{image.status}.")
    if change.operation == "add":
        _position(change.position, len(found), True)
        _add(glance, session, image, found, change.value)
    elif found:
        _replace(session, found, change.value)
    else:
        for value in change.value:
            _add(glance, session, image, found, value)
            found = locations.of(session, [image.id])[image.id]


def _remove(
    session: Session, image: Image, found: list[ImageLocation], position: str
) -> None:
    if image.status != "active":
        raise Conflict(reason="It's not allowed to remove locations if image status is "
                              f"{image.status}.")
    if len(found) == 1:
        raise Refused(reason="Cannot remove last location in the image.")
    gone = found[_position(position, len(found), False)]
    # The sweeper removes the bytes, if they are ours.
    session.execute(delete(ImageLocation).where(ImageLocation.id == gone.id))


def _replace(session: Session, found: list[ImageLocation], wanted: list[Any]) -> None:
    """Only what is said of the locations may change, not where they are."""
    if [value["url"] for value in wanted] != [row.url for row in found]:
        raise Invalid(reason="locations: only the metadata of locations can be replaced; add or "
                             "remove a location by its position.")
    for row, value in zip(found, wanted, strict=True):
        row.meta = {**value["metadata"], "store": row.store}
    session.flush()


def _add(
    glance: Glance, session: Session, image: Image, found: list[ImageLocation], value: Any
) -> None:
    url = value["url"]
    store = glance.stores.owner(url)
    # A file of this host is no one's to name: it may be another project's image.
    if store is None or store.kind != "http":
        raise Invalid(reason=f"locations: no store of this cloud takes images at {url!r}.")
    glance.stores.gate.check(url)
    if any(row.url == url for row in found):
        raise Invalid(reason=f"locations: {url} is one of the image's already.")
    facts = _checked(image, value.get("validation_data", {}))
    try:
        size = store.size(url)
    except OSError as error:
        raise Invalid(reason=f"locations: {url} cannot be read: {error}") from error
    locations.add(session, image.id, store.name, url, value["metadata"])
    if image.status == "queued":
        image.status, image.size = "active", size
        for name, given in facts.items():
            setattr(image, name, given)
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
    position = int(text) if text.isdigit() else -1
    if not 0 <= position < count + adding:
        raise Invalid(reason=f"Invalid position for a location: {text}")
    return position
