"""/servers/{id}/os-interface"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.schemas import TAG, UUID, closed
from cairn.nova.component import Nova
from cairn.nova.core import interfaces
from cairn.nova.core.flows import attach_interface, detach_interface
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/os-interface"
_ATTACH = {
    "port_id": UUID, "net_id": UUID,
    "fixed_ips": {"type": "array", "minItems": 1, "maxItems": 1,
                  "items": closed(["ip_address"], ip_address={"type": "string"})},
}


def view(ctx: Context, interface: interfaces.Interface) -> Document:
    port = interface.port
    shown = {
        "net_id": port["network_id"], "port_id": port["id"], "mac_addr": port["mac_address"],
        "port_state": port.get("status") or "DOWN",
        "fixed_ips": [{"subnet_id": f["subnet_id"], "ip_address": f["ip_address"]}
                      for f in port.get("fixed_ips") or ()],
    }
    if ctx.version >= (2, 70):
        shown["tag"] = interface.tag
    return shown


@api.get(PATH, policy="os_compute_api:os-attach-interfaces:list")
def index(nova: Nova, ctx: Context, server_id: str) -> Document:
    """List the server's ports, as Neutron has them now."""
    return {"interfaceAttachments": [view(ctx, interface) for interface in
                                     interfaces.list_of(nova, ctx, server_id)]}


@api.get(PATH + "/<port_id>", policy="os_compute_api:os-attach-interfaces:show")
def show(nova: Nova, ctx: Context, server_id: str, port_id: str) -> Document:
    """Show one of the server's ports, as Neutron has it now."""
    return {"interfaceAttachment": view(
        ctx, interfaces.find(nova, ctx, server_id, port_id))}


def attach(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Make or take a port and plug it; the answer comes when the guest has the interface."""
    request = body.get("interfaceAttachment") or {}
    if request.get("port_id") and (request.get("net_id") or request.get("fixed_ips")):
        raise Invalid(reason="interfaceAttachment: port_id goes with neither net_id nor fixed_ips.")
    if request.get("fixed_ips") and not request.get("net_id"):
        raise Invalid(reason="interfaceAttachment: fixed_ips needs a net_id.")
    networks = None
    if request.get("port_id") or request.get("net_id"):
        networks = [{"port": request.get("port_id"), "uuid": request.get("net_id"),
                     "tag": request.get("tag")}]
        if request.get("fixed_ips"):
            networks[0]["fixed_ip"] = request["fixed_ips"][0]["ip_address"]
    return {"interfaceAttachment": view(
        ctx, interfaces.attach(nova, ctx, server_id, networks))}


_POLICY = "os_compute_api:os-attach-interfaces:create"
_EVENT = attach_interface.ACTION.event
_OPEN = closed(interfaceAttachment=closed(None, **_ATTACH))
_TAGGED = closed(interfaceAttachment=closed(None, **_ATTACH, tag=TAG))
api.post(PATH, policy=_POLICY, body=_OPEN, until="2.48", event=_EVENT)(attach)
api.post(PATH, policy=_POLICY, body=_TAGGED, since="2.49", event=_EVENT)(attach)


@api.delete(PATH + "/<port_id>", policy="os_compute_api:os-attach-interfaces:delete",
            status=202, event=detach_interface.ACTION.event)
def detach(nova: Nova, ctx: Context, server_id: str, port_id: str) -> None:
    """Unplug it; the port is deleted unless it was the user's own."""
    interfaces.detach(nova, ctx, server_id, port_id)
