"""/servers/{id}/os-volume_attachments"""

from cairn.common.api import Api, Document, Version
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import BOOLEAN, NUMBER, TAG, UUID, Query, closed, queries, ranges
from cairn.nova.component import Nova
from cairn.nova.core import boot, volumes
from cairn.nova.core.flows import attach_volume, detach_volume
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/os-volume_attachments"
ONE = PATH + "/<volume_id>"
DEVICE = {"type": ["string", "null"], "pattern": "(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$",
          "maxLength": 255}
_RULE = "os_compute_api:os-volumes-attachments"
# What a PUT does to one: it swaps the volume, or says whether it goes with the server.
_CHANGES = "compute.instance.volume"


def view(ctx: Context, device: volumes.Device) -> Document:
    shown = {"serverId": device.server_id, "volumeId": device.volume_id,
             "device": device.device_name}
    if ctx.version < (2, 89):
        shown["id"] = device.volume_id
    else:
        shown |= {"attachment_id": device.attachment_id, "bdm_uuid": device.id}
    if ctx.version >= (2, 70):
        shown["tag"] = device.tag
    if ctx.version >= (2, 79):
        shown["delete_on_termination"] = device.delete_on_termination
    return shown


def index(nova: Nova, ctx: Context, server_id: str, query: Query) -> Document:
    """List a server's volumes."""
    devices = volumes.list_of(nova, ctx, server_id)
    first = int(read_value(query, "offset") or 0)
    asked = read_value(query, "limit")
    most = nova.api.max_limit if asked is None else min(int(asked), nova.api.max_limit)
    return {"volumeAttachments": [view(ctx, d) for d in devices[first:first + most]]}


for _since, _until, _query in queries({(2, 1): {"limit": NUMBER, "offset": NUMBER}}):
    api.get(PATH, policy=f"{_RULE}:index", query=_query, since=_since, until=_until)(index)


@api.get(ONE, policy=f"{_RULE}:show")
def show(nova: Nova, ctx: Context, server_id: str, volume_id: str) -> Document:
    """Show one of a server's volumes."""
    return {"volumeAttachment": view(ctx, volumes.find(nova, ctx, server_id, volume_id))}


def attach(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Reserve a volume for the server, whose host then attaches it."""
    request = body["volumeAttachment"]
    if "delete_on_termination" in request:
        request["delete_on_termination"] = boot.truthy(request["delete_on_termination"])
    device = volumes.attach(nova, ctx, server_id, request)
    # Of this answer 2.89 has changed nothing: it is as it was before.
    return {"volumeAttachment": view(ctx.at(min(ctx.version, (2, 88))), device)}


def _attaching(version: Version) -> Document:
    members: Document = {"volumeId": UUID, "device": DEVICE}
    if version >= (2, 49):
        members["tag"] = TAG
    if version >= (2, 79):
        members["delete_on_termination"] = BOOLEAN
    return closed(["volumeAttachment"], volumeAttachment=closed(["volumeId"], **members))


def begin_attach(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Reserve a volume for the server, whose host then attaches it; the list of its volumes tells
    what it is called."""
    attach(nova, ctx, server_id, body)


for _since, _until, _version in ranges([(2, 1), (2, 49), (2, 79), (2, 101)]):
    _later = _version >= (2, 101)
    api.post(PATH, policy=f"{_RULE}:create", body=_attaching(_version), since=_since,
             until=_until, status=202 if _later else 200,
             event=attach_volume.ACTION.event)(begin_attach if _later else attach)


@api.put(ONE, policy=f"{_RULE}:swap", until="2.84", status=202, event=_CHANGES, body=closed(
    ["volumeAttachment"], volumeAttachment=closed(["volumeId"], volumeId=UUID)))
def swap(nova: Nova, ctx: Context, server_id: str, volume_id: str, body: Document) -> None:
    """Let the guest go on with a copy in another volume."""
    volumes.swap(nova, ctx, server_id, volume_id, body["volumeAttachment"]["volumeId"])


@api.put(ONE, policy=f"{_RULE}:update", since="2.85", status=202, event=_CHANGES,
         late=True, body=closed(["volumeAttachment"], volumeAttachment=closed(
             ["volumeId"], volumeId=UUID, device=DEVICE, serverId=UUID, id=UUID,
             tag={"type": ["string", "null"]}, delete_on_termination=BOOLEAN)))
def change(nova: Nova, ctx: Context, server_id: str, volume_id: str, body: Document) -> None:
    """Let it go with the server or outlive it; or swap it, by another volume's id."""
    request = body["volumeAttachment"]
    swaps = request["volumeId"] != volume_id
    nova.policy.enforce(ctx, f"{_RULE}:swap" if swaps else f"{_RULE}:update")
    device = volumes.find(nova, ctx, server_id, volume_id)
    for name, now in (("id", device.volume_id), ("serverId", device.server_id),
                      ("device", device.device_name), ("tag", device.tag)):
        if name in request and request[name] != now:
            raise Invalid(reason=f"{name}: the attachment's {name} cannot be changed.")
    if swaps:
        volumes.swap(nova, ctx, server_id, volume_id, request["volumeId"])
    if "delete_on_termination" in request or not swaps:
        keeps = request.get("delete_on_termination", device.delete_on_termination)
        volumes.keep(nova, ctx, server_id, volume_id, boot.truthy(keeps))


@api.delete(ONE, policy=f"{_RULE}:delete", status=202, event=detach_volume.ACTION.event)
def detach(nova: Nova, ctx: Context, server_id: str, volume_id: str) -> None:
    """Let the guest let go of it; then it is available."""
    volumes.detach(nova, ctx, server_id, volume_id)
