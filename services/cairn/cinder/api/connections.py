"""/volumes/{id}/action, as far as it is about who uses a volume: the older way."""

from cairn.cinder.api.attachments import CONNECTOR
from cairn.cinder.api.schemas import UUID, UUID_OR_NONE, closed, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import reservations
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

PATH = "/volumes/<volume_id>/action"
_RULE = "volume_extension:volume_actions"
_NOTHING = {"type": ["object", "null"], "maxProperties": 0}
RESERVE = wrapped("os-reserve", _NOTHING)
UNRESERVE = wrapped("os-unreserve", _NOTHING)
BEGIN = wrapped("os-begin_detaching", _NOTHING)
ROLL = wrapped("os-roll_detaching", _NOTHING)
ATTACH = wrapped("os-attach", closed(
    ["mountpoint"], instance_uuid=UUID,
    mountpoint={"type": "string", "minLength": 1, "maxLength": 255},
    host_name={"type": "string", "maxLength": 255}, mode={"enum": ["rw", "ro"]}))
_DETACH = closed(attachment_id=UUID_OR_NONE) | {"type": ["object", "null"]}
DETACH = wrapped("os-detach", _DETACH)
FORCE_DETACH = wrapped("os-force_detach", closed(
    attachment_id=UUID_OR_NONE, connector=CONNECTOR | {"type": ["object", "null"]}))
INITIALIZE = wrapped("os-initialize_connection", closed(["connector"], connector=CONNECTOR))
TERMINATE = wrapped("os-terminate_connection", closed(
    ["connector"], connector=CONNECTOR | {"type": ["object", "null"]}))


@api.post(PATH, action="os-reserve", policy=f"{_RULE}:reserve", body=RESERVE, status=202,
          event="volume.reserve")
def reserve(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Claim the volume, which nobody else gets then."""
    reservations.reserve(cinder, ctx, volume_id)


@api.post(PATH, action="os-unreserve", policy=f"{_RULE}:unreserve", body=UNRESERVE, status=202,
          event="volume.unreserve")
def unreserve(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Give the claim back."""
    reservations.unreserve(cinder, ctx, volume_id)


@api.post(PATH, action="os-begin_detaching", policy=f"{_RULE}:begin_detaching", body=BEGIN,
          status=202, event="volume.detach")
def begin_detaching(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Say that the volume is about to be detached."""
    reservations.begin_detaching(cinder, ctx, volume_id)


@api.post(PATH, action="os-roll_detaching", policy=f"{_RULE}:roll_detaching", body=ROLL,
          status=202, event="volume.detach")
def roll_detaching(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Say that it stays attached after all."""
    reservations.roll_detaching(cinder, ctx, volume_id)


@api.post(PATH, action="os-attach", policy=f"{_RULE}:attach", body=ATTACH, status=202,
          event="volume.attach")
def attach(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Record that a server or a host has the volume."""
    asked = body["os-attach"]
    server, host = asked.get("instance_uuid"), asked.get("host_name")
    if not server and not host:
        raise Invalid(reason="Invalid input for field/attribute os-attach. instance_uuid or "
                             "host_name is a required property")
    if server and host:
        raise Invalid(reason=f"Invalid request to attach volume to an instance {server} and a "
                             f"host_name {host} simultaneously")
    reservations.attach(cinder, ctx, volume_id, server_id=server, host=host,
                        mountpoint=asked["mountpoint"], mode=asked.get("mode", "rw"))


@api.post(PATH, action="os-detach", policy=f"{_RULE}:detach", body=DETACH, status=202,
          event="volume.detach")
def detach(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """Record that nobody has the volume any more, under that attachment where there are several.
    What a server has is detached by Compute, unless a service asks."""
    asked = body["os-detach"] or {}
    reservations.detach(cinder, ctx, volume_id, asked.get("attachment_id"))


@api.post(PATH, action="os-force_detach", status=202, body=FORCE_DETACH,
          policy="volume_extension:volume_admin_actions:force_detach", event="volume.detach")
def force_detach(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """The same, also when the volume's host does not answer."""
    asked = body["os-force_detach"]
    reservations.detach(cinder, ctx, volume_id, asked.get("attachment_id"), force=True)


@api.post(PATH, action="os-initialize_connection", policy=f"{_RULE}:initialize_connection",
          body=INITIALIZE, event="volume.attach")
def initialize(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> Document:
    """Export the volume to the connector's host, and say how it is opened there."""
    connector = body["os-initialize_connection"]["connector"]
    return {"connection_info": reservations.initialize(cinder, ctx, volume_id, connector)}


@api.post(PATH, action="os-terminate_connection", policy=f"{_RULE}:terminate_connection",
          body=TERMINATE, status=202, event="volume.disconnect")
def terminate(cinder: Cinder, ctx: Context, volume_id: str, body: Document) -> None:
    """End the export to the connector's host."""
    reservations.terminate(cinder, ctx, volume_id, body["os-terminate_connection"]["connector"])
