"""POST /servers/{id}/action: what is done to a server that exists."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Problem, Unavailable
from cairn.nova.api import schemas
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.api.servers import brief, remove, shown
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core import boot, images, keypairs, network, servers, works
from cairn.nova.core.flows import reboot as reboot_flow
from cairn.nova.core.flows import rebuild as rebuild_flow
from cairn.nova.core.flows import start as start_flow
from cairn.nova.core.flows import stop as stop_flow
from cairn.nova.db.models import Server
from cairn.nova.errors import HostDown, NotOnAHost, ServerBusy
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"


@api.post(PATH, action="os-start", policy="os_compute_api:servers:start", status=202,
          body=closed(["os-start"], **{"os-start": NULL_OR_OBJECT}))
def start(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    works.ask(nova, ctx, server_id, start_flow.ACTION)


@api.post(PATH, action="os-stop", policy="os_compute_api:servers:stop", status=202,
          body=closed(["os-stop"], **{"os-stop": NULL_OR_OBJECT}))
def stop(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    works.ask(nova, ctx, server_id, stop_flow.ACTION, args={"timeout": 60})


@api.post(PATH, action="reboot", policy="os_compute_api:servers:reboot", status=202,
          body=closed(["reboot"], reboot=closed(["type"], type={
              "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]})))
def reboot(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    hard = body["reboot"]["type"].upper() == "HARD"
    works.ask(nova, ctx, server_id, reboot_flow.ACTION, args={"hard": hard},
              entry=reboot_flow.HARD if hard else reboot_flow.SOFT)


@api.post(PATH, action="forceDelete", policy="os_compute_api:os-deferred-delete:force", status=202,
          body=closed(["forceDelete"], forceDelete=NULL_OR_OBJECT))
def force_delete(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    remove(nova, ctx, server_id)


@api.post(PATH, action="restore", policy="os_compute_api:os-deferred-delete:restore", status=202,
          body=closed(["restore"], restore=NULL_OR_OBJECT))
def restore(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Nothing deleted is kept here, so there is never anything to bring back."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    raise ServerBusy(action="restore", id=row.id, attribute="vm_state", state=row.vm_state)


def rebuild(nova: Nova, ctx: Context, server_id: str, body: Document) -> Reply:
    """A new root disk from an image; everything else of the server stays."""
    wanted = body["rebuild"]
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        values = _rebuilt(session, ctx, row, wanted)
    servers.check_unlocked(ctx, row)
    image = images.find(nova, ctx, wanted["imageRef"])
    images.check_fits(image, row.flavor)
    password = wanted.get("adminPass") or boot.password()
    args = {"image_changed": image["id"] != row.image_id,
            "preserve_ephemeral": boot.truthy(wanted.get("preserve_ephemeral"))}

    def begin(session: Session) -> str:
        works.claim(session, row, rebuild_flow.ACTION)
        session.execute(update(Server).where(Server.id == row.id).values(
            image_id=image["id"], image=image, admin_pass=password, fault=None, **values))
        work = works.add(session, ctx, row, rebuild_flow.ACTION, nova.service, args)
        if row.vm_state == "stopped":  # It ends as it was; works run in order.
            works.add(session, ctx, row, stop_flow.ACTION, nova.service, {"timeout": 0})
        return str(work.runner)

    nova.ring(ctx, nova.db.write(begin))
    document = shown(nova, ctx, server_id) if ctx.version >= (2, 75) else brief(
        nova, ctx, server_id)
    document["adminPass"] = password
    if ctx.version >= (2, 54):
        document["key_name"] = values.get("key_name", row.key_name)
    if ctx.version >= (2, 57):
        document["user_data"] = values.get("user_data", row.user_data)
    document.pop("OS-EXT-SRV-ATTR:user_data", None)
    location = f"{roots()[0]}/servers/{server_id}"
    return Reply({"server": document}, 202, {"Location": location})


def _rebuilt(session: Session, ctx: Context, row: Any, wanted: Document) -> dict[str, Any]:
    names = {"name": "name", "description": "description", "metadata": "meta",
             "accessIPv4": "access_ipv4", "accessIPv6": "access_ipv6",
             "OS-DCF:diskConfig": "disk_config", "hostname": "hostname",
             "trusted_image_certificates": "trusted_certs"}
    values = {column: wanted[key] for key, column in names.items() if key in wanted}
    for name in ("accessIPv4", "accessIPv6"):
        if name in wanted:
            values[names[name]] = boot.access(wanted[name], name)
    if "key_name" in wanted:
        values |= {"key_name": None, "key_data": None}
        if wanted["key_name"] is not None:
            pair = keypairs.find(session, row.user_id, wanted["key_name"])
            values |= {"key_name": pair.name, "key_data": pair.public_key}
    if "user_data" in wanted:
        values["user_data"] = boot.user_data(wanted["user_data"])
    return values


for _since, _until, _version in schemas.ranges(schemas.REBUILD_CHANGES):
    api.post(PATH, action="rebuild", policy="os_compute_api:servers:rebuild", status=202,
             body=schemas.rebuild(_version), since=_since, until=_until)(rebuild)


@api.post(PATH, action="os-getConsoleOutput", policy="os_compute_api:os-console-output",
          body=closed(["os-getConsoleOutput"], **{"os-getConsoleOutput": closed(
              length={"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$",
                      "minimum": -1})}))
def console_output(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """The last lines of the serial console."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    if row.host is None:
        raise NotOnAHost(id=server_id)
    asked = body["os-getConsoleOutput"].get("length")
    length = None if asked is None or int(asked) < 0 else int(asked)
    try:
        text = nova.compute.console_output(ctx, host=row.host, server_id=row.id, length=length)
    except Unavailable:
        raise HostDown(host=row.host, action="os-getConsoleOutput") from None
    return {"output": text}


@api.post(PATH, action="lock", policy="os_compute_api:os-lock-server:lock", status=202,
          until="2.72", body=closed(["lock"], lock=NULL_OR_OBJECT))
def lock(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let nobody but admins change it."""
    _lock(nova, ctx, server_id, None)


@api.post(PATH, action="lock", policy="os_compute_api:os-lock-server:lock", status=202,
          since="2.73", body=closed(["lock"], lock={
              "type": ["object", "null"], "additionalProperties": False,
              "properties": {"locked_reason": {
                  "type": "string", "minLength": 1, "maxLength": 255}}}))
def lock_with_reason(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    _lock(nova, ctx, server_id, (body["lock"] or {}).get("locked_reason"))


def _lock(nova: Nova, ctx: Context, server_id: str, reason: str | None) -> None:
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        by = "owner" if row.project_id == ctx.project else "admin"
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=by, locked_reason=reason))


@api.post(PATH, action="unlock", policy="os_compute_api:os-lock-server:unlock", status=202,
          body=closed(["unlock"], unlock=NULL_OR_OBJECT))
def unlock(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """An admin's lock is an admin's to lift."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        if row.locked_by == "admin":
            nova.policy.enforce(ctx, "os_compute_api:os-lock-server:unlock:unlock_override")
        session.execute(update(Server).where(Server.id == row.id)
                        .values(locked_by=None, locked_reason=None))


@api.post(PATH, action="os-resetState", policy="os_compute_api:os-admin-actions:reset_state",
          status=202, body=closed(["os-resetState"], **{"os-resetState": closed(
              ["state"], state={"enum": ["active", "error"]})}))
def reset_state(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Call the server active or in error, whatever it is."""
    state = body["os-resetState"]["state"]
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        session.execute(update(Server).where(Server.id == row.id)
                        .values(vm_state=state, task_state=None))


@api.post(PATH, action="injectNetworkInfo",
          policy="os_compute_api:os-admin-actions:inject_network_info", status=202,
          body=closed(["injectNetworkInfo"], injectNetworkInfo=NULL_OR_OBJECT))
def inject_network_info(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Look at the server's ports again, now."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    network.refresh(nova, ctx, [row])


# --- Security groups and fixed addresses: Neutron's, through the server --------------------


@api.post(PATH, action="addSecurityGroup", policy="os_compute_api:os-security-groups:add",
          status=202, body=closed(["addSecurityGroup"], addSecurityGroup=closed(
              ["name"], name={"type": "string", "minLength": 1, "maxLength": 255})))
def add_security_group(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    group = network.find_group(nova, ctx, body["addSecurityGroup"]["name"])
    _regroup(nova, ctx, server_id, lambda have: have if group in have else [*have, group])


@api.post(PATH, action="removeSecurityGroup", policy="os_compute_api:os-security-groups:remove",
          status=202, body=closed(["removeSecurityGroup"], removeSecurityGroup=closed(
              ["name"], name={"type": "string", "minLength": 1, "maxLength": 255})))
def remove_security_group(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    group = network.find_group(nova, ctx, body["removeSecurityGroup"]["name"])

    found = _regroup(nova, ctx, server_id, lambda have: [g for g in have if g != group])
    if not any(group in have for have in found):
        raise NotFound("Security group", group)


def _regroup(nova: Nova, ctx: Context, server_id: str, change: Any) -> list[list[str]]:
    """Change the groups of each port; what they were."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    ports = network.ports_of(nova, ctx, row.id)
    if not ports:
        raise Invalid(reason=f"Server {row.id} has no port to change the security groups of.")
    before = []
    for port in ports:
        have = list(port.get("security_groups") or ())
        before.append(have)
        if (groups := change(have)) != have:
            nova.cloud.network.update_port(
                ctx, port["id"], {"security_groups": groups}, own=True)
    network.refresh(nova, ctx, [row])
    return before


@api.post(PATH, action="addFixedIp", policy="os_compute_api:os-multinic:add", status=202,
          until="2.43", body=closed(["addFixedIp"], addFixedIp=closed(
              ["networkId"], networkId={"type": ["string", "integer"]})))
def add_fixed_ip(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """One more address on the server's port of that network."""
    wanted = str(body["addFixedIp"]["networkId"])
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    for port in network.ports_of(nova, ctx, row.id):
        if port["network_id"] == wanted and port["fixed_ips"]:
            subnet = port["fixed_ips"][0]["subnet_id"]
            _readdress(nova, ctx, row, port, [*port["fixed_ips"], {"subnet_id": subnet}])
            return
    raise Invalid(reason=f"networkId: server {row.id} has no port on network {wanted}.")


@api.post(PATH, action="removeFixedIp", policy="os_compute_api:os-multinic:remove", status=202,
          until="2.43", body=closed(["removeFixedIp"], removeFixedIp=closed(
              ["address"], address={"type": "string", "maxLength": 45})))
def remove_fixed_ip(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    address = network.check_address(body["removeFixedIp"]["address"])
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    for port in network.ports_of(nova, ctx, row.id):
        left = [f for f in port["fixed_ips"] if f["ip_address"] != address]
        if len(left) < len(port["fixed_ips"]):
            _readdress(nova, ctx, row, port, left)
            return
    raise Invalid(reason=f"address: server {row.id} has no fixed IP {address}.")


def _readdress(
    nova: Nova, ctx: Context, row: Any, port: Document, addresses: list[Document]
) -> None:
    try:
        nova.cloud.network.update_port(ctx, port["id"], {"fixed_ips": addresses})
    except Problem as problem:
        if problem.code == 409:
            raise Conflict(reason=str(problem)) from None
        raise
    network.refresh(nova, ctx, [row])

