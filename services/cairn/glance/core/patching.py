"""JSON patches of images: read into changes, then made (API reference, "Update image").

RFC 6902's add, replace and remove, of one attribute or property by its JSON pointer (RFC 6901).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cairn.common.errors import Conflict, Invalid, Refused
from cairn.glance.db.models import Image
from cairn.glance.errors import ReadOnly, Reserved

OPERATIONS = ("add", "replace", "remove")
# The patch's older form: {"replace": "/name", "value": v}, where add never replaces.
OLD = "application/openstack-images-v2.0-json-patch"
NEW = "application/openstack-images-v2.1-json-patch"
READ_ONLY = ("created_at", "updated_at", "status", "checksum", "size", "virtual_size",
             "direct_url", "self", "file", "schema", "id", "os_hash_algo", "os_hash_value")
RESERVED = ("location", "deleted", "deleted_at")
# The attributes that are not properties, and may be set.
ATTRIBUTES = ("name", "visibility", "protected", "os_hidden", "owner", "disk_format",
              "container_format", "min_disk", "min_ram", "tags")
TEXT_BYTES = 65535
# How many parts the pointers of an operation have, where it is not one.
DEPTHS = {("locations", "add"): 2, ("locations", "remove"): 2}
FORMATS = ("disk_format", "container_format")


@dataclass(frozen=True)
class Change:
    """One operation of a patch, on one attribute or property."""

    operation: str
    name: str
    value: Any = None
    # What follows the name in the pointer: a position in the list of locations.
    position: str = ""
    # In the older form an add of what is there is a conflict.
    strict: bool = False


def check_name(name: str) -> None:
    """Raises what is wrong with setting a property of that name."""
    if name in READ_ONLY:
        raise ReadOnly(name=name)
    if name in RESERVED or name.startswith("os_glance"):
        raise Reserved(name=name)
    if not 0 < len(name) <= 255:
        raise Invalid(reason=f"The name of property {name[:40]} must have 1 to 255 characters.")


def check_text(name: str, value: str) -> None:
    """Raises Invalid for a property's value that the table has no room for."""
    if len(value.encode()) > TEXT_BYTES:
        raise Invalid(reason=f"The value of property {name} is longer than {TEXT_BYTES} bytes.")


def parse(document: Any, old: bool, check: Callable[[str, Any], None]) -> list[Change]:
    """The changes of a patch. `check(name, value)` refuses values that do not fit."""
    if not isinstance(document, list):
        raise Invalid(reason="Request body must be a JSON array of operation objects.")
    changes = [_change(operation, old, check) for operation in document]
    # Shown among the properties, so that clients that write all of them anew remove it.
    return [change for change in changes if change.name != "stores"]


def _change(given: Any, old: bool, check: Callable[[str, Any], None]) -> Change:
    if not isinstance(given, dict):
        raise Invalid(reason="Operations must be JSON objects.")
    operation: Any
    if old:
        operations = [operation for operation in OPERATIONS if operation in given]
        if len(operations) != 1:
            raise Invalid(reason="Operation objects must contain exactly one member named add, "
                                 "remove or replace.")
        operation, path = operations[0], given[operations[0]]
    else:
        operation, path = given.get("op"), given.get("path")
    if operation not in OPERATIONS:
        raise Invalid(reason=f"Invalid op: '{operation}'. It must be one of the following: "
                             f"{', '.join(OPERATIONS)}.")
    parts = _pointer(path)
    name = parts[0]
    if len(parts) != DEPTHS.get((name, operation), 1):
        raise Invalid(reason=f"Invalid JSON pointer for this resource: '{path}'")
    if operation != "remove" and "value" not in given:
        raise Invalid(reason=f'Operation "{operation}" requires a member named "value".')
    if name == "stores" and operation != "remove":
        raise ReadOnly(name=name)
    check_name(name)
    value = given.get("value")
    if operation != "remove":
        check(name, [value] if len(parts) > 1 else value)
    return Change(operation, name, value, parts[1] if len(parts) > 1 else "", old)


def _pointer(path: Any) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        raise Invalid(reason=f"Pointer path '{path}' does not start with \"/\".")
    parts = [part.strip() for part in path[1:].split("/")]
    if not all(parts):
        raise Invalid(reason=f"Pointer path '{path}' has an empty part.")
    if re.search("~(?![01])", path):
        raise Invalid(reason=f"Pointer path '{path}' has a \"~\" that escapes nothing.")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def set_attribute(image: Image, change: Change, is_admin: bool) -> None:
    """Make a change of one of ATTRIBUTES but tags, of whose visibility was asked elsewhere."""
    name, value = change.name, change.value
    if change.operation == "remove":
        raise Refused(reason=f"Property {name} may not be removed.")
    if change.operation == "add" and change.strict:
        raise Conflict(reason=f"Property {name} already present.")
    if name == "owner" and not is_admin:
        raise Refused(reason="Owner can't be updated by non admin.")
    if name in FORMATS and image.status != "queued":  # Content is held against them from then on.
        raise Refused(reason=f"Attribute {name} can be only replaced for a queued image.")
    setattr(image, name, value)


def set_property(
    properties: dict[str, str], change: Change, allows: Callable[[str, str], bool]
) -> None:
    """Make a change of a property. `allows(operation, name)` is what protections say."""
    name = change.name
    exists = name in properties and allows("read", name)
    if change.operation != "add" and not exists:
        raise Conflict(reason=f"Property {name} does not exist.")
    if change.operation == "add" and exists and change.strict:
        raise Conflict(reason=f"Property {name} already present.")
    action = "delete" if change.operation == "remove" else "update" if exists else "create"
    if not allows(action, name):
        raise Reserved(name=name)
    if change.operation == "remove" or change.value is None:
        properties.pop(name, None)
    else:
        check_text(name, change.value)
        properties[name] = change.value
