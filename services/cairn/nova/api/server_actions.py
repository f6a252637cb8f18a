"""POST /servers/{id}/action: what is done to a server that exists."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.nova.api import schemas
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.servers import brief, shown
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core import consoles, locks, rebuilds, server_ports, works
from cairn.nova.core.flows import reboot as reboot_flow
from cairn.nova.core.flows import rebuild as rebuild_flow
from cairn.nova.core.flows import start as start_flow
from cairn.nova.core.flows import stop as stop_flow
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"


@api.post(PATH, action="os-start", policy="os_compute_api:servers:start", status=202,
          body=closed(["os-start"], **{"os-start": NULL_OR_OBJECT}),
          event=start_flow.ACTION.event)
def start(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Power on a server that is off."""
    works.ask(nova, ctx, server_id, start_flow.ACTION)


@api.post(PATH, action="os-stop", policy="os_compute_api:servers:stop", status=202,
          body=closed(["os-stop"], **{"os-stop": NULL_OR_OBJECT}),
          event=stop_flow.ACTION.event)
def stop(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Ask the guest to power off, and pull the plug when it does not."""
    works.ask(nova, ctx, server_id, stop_flow.ACTION)


@api.post(PATH, action="reboot", policy="os_compute_api:servers:reboot", status=202,
          body=closed(["reboot"], reboot=closed(["type"], type={
              "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]})),
          event=reboot_flow.ACTION.event)
def reboot(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Restart a server: soft, its guest is asked to power off first; hard, the plug is pulled."""
    hard = body["reboot"]["type"].upper() == "HARD"
    works.ask(nova, ctx, server_id, reboot_flow.ACTION, args={"hard": hard},
              entry=reboot_flow.HARD if hard else reboot_flow.SOFT)


def rebuild(nova: Nova, ctx: Context, server_id: str, body: Document) -> Reply:
    """A new root disk from an image; everything else of the server stays."""
    rebuilt = rebuilds.begin(nova, ctx, server_id, body["rebuild"])
    document = shown(nova, ctx, server_id) if ctx.version >= (2, 75) else brief(
        nova, ctx, server_id)
    document["adminPass"] = rebuilt["admin_pass"]
    if ctx.version >= (2, 54):
        document["key_name"] = rebuilt["key_name"]
    if ctx.version >= (2, 57):
        document["user_data"] = rebuilt["user_data"]
    document.pop("OS-EXT-SRV-ATTR:user_data", None)
    location = f"{roots()[0]}/servers/{server_id}"
    return Reply({"server": document}, 202, {"Location": location})


for _since, _until, _version in schemas.ranges(schemas.REBUILD_CHANGES):
    api.post(PATH, action="rebuild", policy="os_compute_api:servers:rebuild", status=202,
             body=schemas.rebuild(_version), since=_since, until=_until,
             event=rebuild_flow.ACTION.event)(rebuild)


@api.post(PATH, action="os-getConsoleOutput", policy="os_compute_api:os-console-output",
          body=closed(["os-getConsoleOutput"], **{"os-getConsoleOutput": closed(
              length={"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$",
                      "minimum": -1, "maximum": schemas.INTEGER})}),
          changes_nothing="it only reads the console")
def console_output(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """The last lines of the serial console."""
    asked = body["os-getConsoleOutput"].get("length")
    length = None if asked is None or int(asked) < 0 else int(asked)
    return {"output": consoles.read(nova, ctx, server_id, length)}


@api.post(PATH, action="lock", policy="os_compute_api:os-lock-server:lock", status=202,
          until="2.72", body=closed(["lock"], lock=NULL_OR_OBJECT), event=locks.LOCK)
def lock(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let nobody but admins change it."""
    locks.lock(nova, ctx, server_id, None)


@api.post(PATH, action="lock", policy="os_compute_api:os-lock-server:lock", status=202,
          since="2.73", body=closed(["lock"], lock={
              "type": ["object", "null"], "additionalProperties": False,
              "properties": {"locked_reason": {
                  "type": "string", "minLength": 1, "maxLength": 255}}}), event=locks.LOCK)
def lock_with_reason(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let nobody but admins change it, and say why."""
    locks.lock(nova, ctx, server_id, (body["lock"] or {}).get("locked_reason"))


@api.post(PATH, action="unlock", policy="os_compute_api:os-lock-server:unlock", status=202,
          body=closed(["unlock"], unlock=NULL_OR_OBJECT), event=locks.UNLOCK)
def unlock(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """An admin's lock is an admin's to lift."""
    locks.unlock(nova, ctx, server_id)


@api.post(PATH, action="os-resetState", policy="os_compute_api:os-admin-actions:reset_state",
          status=202, body=closed(["os-resetState"], **{"os-resetState": closed(
              ["state"], state={"enum": ["active", "error"]})}),
          event="compute.instance.update")
def reset_state(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Call the server active or in error, whatever it is."""
    works.reset_state(nova, ctx, server_id, body["os-resetState"]["state"])


@api.post(PATH, action="injectNetworkInfo",
          policy="os_compute_api:os-admin-actions:inject_network_info", status=202,
          body=closed(["injectNetworkInfo"], injectNetworkInfo=NULL_OR_OBJECT),
          changes_nothing="it only looks at the ports again")
def inject_network_info(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Look at the server's ports again, now."""
    server_ports.refresh(nova, ctx, server_id)


# --- Security groups and fixed addresses: Neutron's, through the server --------------------

NEUTRONS = "Neutron tells of its ports"


@api.post(PATH, action="addSecurityGroup", policy="os_compute_api:os-security-groups:add",
          status=202, body=closed(["addSecurityGroup"], addSecurityGroup=closed(
              ["name"], name={"type": "string", "minLength": 1, "maxLength": 255})),
          changes_nothing=NEUTRONS)
def add_security_group(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Put all of the server's ports into a security group, given by name or id."""
    server_ports.add_group(nova, ctx, server_id, body["addSecurityGroup"]["name"])


@api.post(PATH, action="removeSecurityGroup", policy="os_compute_api:os-security-groups:remove",
          status=202, body=closed(["removeSecurityGroup"], removeSecurityGroup=closed(
              ["name"], name={"type": "string", "minLength": 1, "maxLength": 255})),
          changes_nothing=NEUTRONS)
def remove_security_group(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Take all of the server's ports out of a security group, given by name or id."""
    server_ports.remove_group(nova, ctx, server_id, body["removeSecurityGroup"]["name"])


@api.post(PATH, action="addFixedIp", policy="os_compute_api:os-multinic:add", status=202,
          until="2.43", body=closed(["addFixedIp"], addFixedIp=closed(
              ["networkId"], networkId={"type": ["string", "integer"]})),
          changes_nothing=NEUTRONS)
def add_fixed_ip(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """One more address on the server's port of that network."""
    server_ports.add_address(nova, ctx, server_id, str(body["addFixedIp"]["networkId"]))


@api.post(PATH, action="removeFixedIp", policy="os_compute_api:os-multinic:remove", status=202,
          until="2.43", body=closed(["removeFixedIp"], removeFixedIp=closed(
              ["address"], address={"type": "string", "maxLength": 45})),
          changes_nothing=NEUTRONS)
def remove_fixed_ip(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Take a fixed address from the server's port that has it."""
    server_ports.remove_address(nova, ctx, server_id, body["removeFixedIp"]["address"])
