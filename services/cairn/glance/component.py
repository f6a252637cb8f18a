"""What glance is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cairn.common.api import Validator
from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Invalid
from cairn.common.policy import Policy
from cairn.common.settings import BadSetting
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import Protections
from cairn.glance.rpc import Worker
from cairn.glance.settings import CacheSettings, ImageSettings, ImportSettings

UUID = ("^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}"
        "-([0-9a-fA-F]){12}$")
COMMON: dict[str, Any] = {
    "architecture": {
        "type": "string", "description": "Processor architecture of the operating system"},
    "instance_uuid": {"type": "string", "description": "The server that the image was made of"},
    "kernel_id": {"type": ["null", "string"], "pattern": UUID, "maxLength": 36,
                  "description": "The image with the kernel to boot with"},
    "os_distro": {
        "type": "string", "description": "Name of the operating system's distribution"},
    "os_version": {"type": "string", "description": "Version of the distribution"},
    "ramdisk_id": {"type": ["null", "string"], "pattern": UUID, "maxLength": 36,
                   "description": "The image with the ramdisk to boot with"},
}
ANY = Validator({"type": "object", "additionalProperties": {"type": "string"}})


class PropertySchemas:
    """Properties that images commonly have, and what their values are to be, by name.

    An operator's file has the format of upstream's schema-image.json: JSON schemas by name, or
    {"properties": schemas, "required": names}. It replaces COMMON. Raises BadSetting for a file
    that is none.
    """

    def __init__(self, file: str = "") -> None:
        content: dict[str, Any] = _read(file) if file else {"properties": COMMON}
        self.properties: dict[str, Any] = {
            name: {**schema, "is_base": False} for name, schema in content["properties"].items()}
        self.required: list[str] = content.get("required") or []
        self._checks = {name: Validator({"type": "object", "properties": {name: schema}})
                        for name, schema in content["properties"].items()}

    def check(self, name: str, value: Any) -> None:
        """Raises Invalid when a property cannot be that."""
        self._checks.get(name, ANY)({name: value})
        if value is not None:
            ANY({name: value})

    def check_all(self, properties: Mapping[str, Any]) -> None:
        for name, value in properties.items():
            self.check(name, value)
        missing = [name for name in self.required if name not in properties]
        if missing:
            raise Invalid(reason=f"{missing[0]} is a required property of images.")


def _read(file: str) -> dict[str, Any]:
    try:
        content = orjson.loads(Path(file).read_bytes())
    except (OSError, orjson.JSONDecodeError) as wrong:
        raise BadSetting(f"schema_file {file}: {wrong}") from wrong
    if isinstance(content, dict) and not isinstance(content.get("properties"), dict):
        content = {"properties": content}
    if not isinstance(content, dict) or not all(
            isinstance(schema, dict) for schema in content["properties"].values()):
        raise BadSetting(f"schema_file {file}: an object of JSON schemas by name was expected")
    return dict(content)


@dataclass(frozen=True)
class Glance:
    db: Database
    policy: Policy
    settings: ImageSettings
    stores: Stores
    imports: ImportSettings = field(default_factory=ImportSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    protections: Protections = field(default_factory=Protections)
    property_schemas: PropertySchemas = field(default_factory=PropertySchemas)
    # None where nothing runs beside (tests).
    worker: Worker | None = None
    cloud: Neighbours | None = None
    host: str = "localhost"

    def ring(self, ctx: Context) -> None:
        """Tell the worker that there may be work. After the commit."""
        if self.worker is not None:
            self.worker.ring(ctx)
