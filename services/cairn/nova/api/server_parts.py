"""Parts of a server that are read and written one by one: metadata, tags, interfaces, actions."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound, Unavailable
from cairn.nova.api.schemas import TAG, TAGS
from cairn.nova.api.words import (
    ANY,
    METADATA,
    UUID,
    Query,
    base,
    closed,
    host_id,
    micro,
    moment,
    next_link,
    wrapped,
)
from cairn.nova.component import Nova
from cairn.nova.core import actions, interfaces, quotas, servers
from cairn.nova.db.models import Server
from cairn.nova.errors import (
    HostDown,
    LimitReached,
    MetadataNotFound,
    NotOnAHost,
    ServerBusy,
    TagNotFound,
)
from cairn.nova.policy import RULES

api = Api(RULES)

# --- Metadata ------------------------------------------------------------------------------

META = "/servers/<server_id>/metadata"


@api.get(META, policy="os_compute_api:server-metadata:index")
def metadata(nova: Nova, ctx: Context, server_id: str) -> Document:
    with nova.db.reading() as session:
        return {"metadata": servers.find(session, ctx, server_id).meta}


@api.post(META, policy="os_compute_api:server-metadata:create", body=wrapped("metadata", METADATA))
def add_metadata(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    return {"metadata": _set(nova, ctx, server_id, lambda have: {**have, **body["metadata"]})}


@api.put(META, policy="os_compute_api:server-metadata:update_all",
         body=wrapped("metadata", METADATA))
def put_metadata(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    return {"metadata": _set(nova, ctx, server_id, lambda have: body["metadata"])}


@api.get(META + "/<key>", policy="os_compute_api:server-metadata:show")
def metadata_item(nova: Nova, ctx: Context, server_id: str, key: str) -> Document:
    with nova.db.reading() as session:
        have = servers.find(session, ctx, server_id).meta
    if key not in have:
        raise MetadataNotFound(key)
    return {"meta": {key: have[key]}}


@api.put(META + "/<key>", policy="os_compute_api:server-metadata:update",
         body=wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1}))
def put_metadata_item(
    nova: Nova, ctx: Context, server_id: str, key: str, body: Document
) -> Document:
    if key not in body["meta"]:
        raise Invalid(reason="Request body and URI mismatch")
    _set(nova, ctx, server_id, lambda have: {**have, **body["meta"]})
    return {"meta": body["meta"]}


@api.delete(META + "/<key>", policy="os_compute_api:server-metadata:delete", status=204)
def delete_metadata_item(nova: Nova, ctx: Context, server_id: str, key: str) -> None:
    def without(have: dict[str, str]) -> dict[str, str]:
        if key not in have:
            raise MetadataNotFound(key)
        return {name: value for name, value in have.items() if name != key}

    _set(nova, ctx, server_id, without)


def _set(nova: Nova, ctx: Context, server_id: str, change: Any) -> dict[str, str]:
    def write(session: Session) -> dict[str, str]:
        row = servers.find(session, ctx, server_id)
        servers.check_unlocked(ctx, row)
        if row.vm_state == "building":
            raise ServerBusy(action="update_instance_metadata", id=row.id, attribute="vm_state",
                             state=row.vm_state)
        wanted: dict[str, str] = change(row.meta)
        allowed = quotas.limits(session, row.project_id, nova.quota)["metadata_items"]
        if 0 <= allowed < len(wanted):
            raise LimitReached(what="metadata items", limit=allowed)
        session.execute(update(Server).where(Server.id == row.id).values(meta=wanted))
        return wanted

    return nova.db.write(write)


# --- Tags ----------------------------------------------------------------------------------

TAGGED = "/servers/<server_id>/tags"


@api.get(TAGGED, policy="os_compute_api:os-server-tags:index", since="2.26")
def tags(nova: Nova, ctx: Context, server_id: str) -> Document:
    with nova.db.reading() as session:
        return {"tags": servers.find(session, ctx, server_id).tags}


@api.put(TAGGED, policy="os_compute_api:os-server-tags:update_all", since="2.26",
         body=closed(["tags"], tags=TAGS))
def put_tags(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    wanted = list(dict.fromkeys(body["tags"]))
    _retag(nova, ctx, server_id, lambda have: wanted)
    return {"tags": wanted}


@api.delete(TAGGED, policy="os_compute_api:os-server-tags:delete_all", since="2.26", status=204)
def delete_tags(nova: Nova, ctx: Context, server_id: str) -> None:
    _retag(nova, ctx, server_id, lambda have: [])


@api.get(TAGGED + "/<tag>", policy="os_compute_api:os-server-tags:show", since="2.26", status=204)
def tag(nova: Nova, ctx: Context, server_id: str, tag: str) -> None:
    with nova.db.reading() as session:
        if tag not in servers.find(session, ctx, server_id).tags:
            raise TagNotFound(tag)


@api.put(TAGGED + "/<tag>", policy="os_compute_api:os-server-tags:update", since="2.26")
def put_tag(nova: Nova, ctx: Context, server_id: str, tag: str) -> Reply:
    if not 0 < len(tag) <= TAG["maxLength"] or "," in tag or "/" in tag:
        raise Invalid(reason=f"Tag '{tag}' is invalid: 1 to 60 characters, no comma or slash.")
    added = False

    def add(have: list[str]) -> list[str]:
        nonlocal added
        added = tag not in have
        if added and len(have) >= TAGS["maxItems"]:
            raise Invalid(reason=f"The number of tags exceeded the per-server limit "
                                 f"{TAGS['maxItems']}")
        return [*have, tag] if added else have

    _retag(nova, ctx, server_id, add)
    if not added:
        return Reply(None, 204)
    return Reply(None, 201, {"Location": f"{base()}/v2.1/servers/{server_id}/tags/{tag}"})


@api.delete(TAGGED + "/<tag>", policy="os_compute_api:os-server-tags:delete", since="2.26",
            status=204)
def delete_tag(nova: Nova, ctx: Context, server_id: str, tag: str) -> None:
    def without(have: list[str]) -> list[str]:
        if tag not in have:
            raise TagNotFound(tag)
        return [name for name in have if name != tag]

    _retag(nova, ctx, server_id, without)


def _retag(nova: Nova, ctx: Context, server_id: str, change: Any) -> None:
    def write(session: Session) -> None:
        row = servers.find(session, ctx, server_id)
        session.execute(update(Server).where(Server.id == row.id).values(tags=change(row.tags)))

    nova.db.write(write)


# --- Interfaces ----------------------------------------------------------------------------

INTERFACES = "/servers/<server_id>/os-interface"
_ATTACH = {
    "port_id": UUID, "net_id": UUID,
    "fixed_ips": {"type": "array", "minItems": 1, "maxItems": 1,
                  "items": closed(["ip_address"], ip_address={"type": "string"})},
}


def _interface(ctx: Context, interface: interfaces.Interface) -> Document:
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


@api.get(INTERFACES, policy="os_compute_api:os-attach-interfaces:list")
def list_interfaces(nova: Nova, ctx: Context, server_id: str) -> Document:
    return {"interfaceAttachments": [_interface(ctx, interface) for interface in
                                     interfaces.list_of(nova, ctx, server_id)]}


@api.get(INTERFACES + "/<port_id>", policy="os_compute_api:os-attach-interfaces:show")
def show_interface(nova: Nova, ctx: Context, server_id: str, port_id: str) -> Document:
    return {"interfaceAttachment": _interface(
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
    return {"interfaceAttachment": _interface(
        ctx, interfaces.attach(nova, ctx, server_id, networks))}


_POLICY = "os_compute_api:os-attach-interfaces:create"
_OPEN = closed(interfaceAttachment=closed(None, **_ATTACH))
_TAGGED = closed(interfaceAttachment=closed(None, **_ATTACH, tag=TAG))
api.post(INTERFACES, policy=_POLICY, body=_OPEN, until="2.48")(attach)
api.post(INTERFACES, policy=_POLICY, body=_TAGGED, since="2.49")(attach)


@api.delete(INTERFACES + "/<port_id>", policy="os_compute_api:os-attach-interfaces:delete",
            status=202)
def detach(nova: Nova, ctx: Context, server_id: str, port_id: str) -> None:
    """Unplug it; the port is deleted unless it was the user's own."""
    interfaces.detach(nova, ctx, server_id, port_id)


# --- Diagnostics ---------------------------------------------------------------------------


@api.get("/servers/<server_id>/diagnostics", policy="os_compute_api:os-server-diagnostics")
def diagnostics(nova: Nova, ctx: Context, server_id: str) -> Document:
    """What the hypervisor counts of it, in the words of 2.48 for every version."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    try:
        return nova.compute.diagnostics(ctx, host=row.host, server_id=row.id)
    except Unavailable:
        raise HostDown(host=row.host, action="diagnostics") from None



# --- The password a guest told us -------------------------------------------------------------

PASSWORD = "/servers/<server_id>/os-server-password"


@api.get(PASSWORD, policy="os_compute_api:os-server-password:show")
def guest_password(nova: Nova, ctx: Context, server_id: str) -> Document:
    with nova.db.reading() as session:
        return {"password": servers.find(session, ctx, server_id).guest_password or ""}


@api.delete(PASSWORD, policy="os_compute_api:os-server-password:clear", status=204)
def forget_guest_password(nova: Nova, ctx: Context, server_id: str) -> None:
    with nova.db.writing() as session:
        server = servers.find(session, ctx, server_id)
        session.execute(
            update(Server).where(Server.id == server.id).values(guest_password=None))


# --- Instance actions ----------------------------------------------------------------------

ACTIONS = "/servers/<server_id>/os-instance-actions"


def _action(ctx: Context, server_id: str, action: actions.Action) -> Document:
    shown: Document = {
        "action": action.kind, "instance_uuid": server_id, "request_id": action.request_id,
        "user_id": action.user_id, "project_id": action.project_id,
        "start_time": micro(action.started_at), "message": "Error" if action.failed else None,
    }
    if ctx.version >= (2, 58):
        shown["updated_at"] = micro(action.updated_at)
    return shown


def _subject(nova: Nova, session: Session, ctx: Context, server_id: str) -> str:
    """The server's id; since 2.21 that of a deleted one, too."""
    if ctx.version < (2, 21):
        return str(servers.find(session, ctx, server_id).id)
    row = servers.known(session, server_id)
    if row is None or not (ctx.is_admin or row.project_id == ctx.project):
        raise NotFound("Instance", server_id)
    return str(row.id)


@api.get(ACTIONS, policy="os_compute_api:os-instance-actions:list", query=ANY)
def instance_actions(nova: Nova, ctx: Context, server_id: str, query: Query) -> Document:
    since = before = None
    if ctx.version >= (2, 58) and "changes-since" in query:
        since = moment(query["changes-since"], "changes-since")
    if ctx.version >= (2, 66) and "changes-before" in query:
        before = moment(query["changes-before"], "changes-before")
    with nova.db.reading() as session:
        found = actions.list_(session, _subject(nova, session, ctx, server_id), since=since,
                              before=before)
    document: Document = {}
    if ctx.version >= (2, 58):
        found, document = _paged(found, query, nova)
    return {"instanceActions": [_action(ctx, server_id, action) for action in found]} | document


def _paged(
    found: list[actions.Action], query: Query, nova: Nova
) -> tuple[list[actions.Action], Document]:
    asked = query.get("limit", "")
    if asked and not asked.isdigit():
        raise Invalid(reason=f"limit: expected a number, not {asked}")
    size = min(int(asked), nova.api.max_limit) if asked else nova.api.max_limit
    if "marker" in query:
        ids = [action.request_id for action in found]
        if query["marker"] not in ids:
            raise Invalid(reason=f"marker [{query['marker']}] not found")
        found = found[ids.index(query["marker"]) + 1:]
    page = found[:size]
    if len(found) > size and page:
        return page, {"links": next_link([{}] * size, size, page[-1].request_id)}
    return page, {}


@api.get(ACTIONS + "/<request_id>", policy="os_compute_api:os-instance-actions:show")
def instance_action(nova: Nova, ctx: Context, server_id: str, request_id: str) -> Document:
    """One action with its events: every step, as it happened or is happening."""
    with nova.db.reading() as session:
        subject = _subject(nova, session, ctx, server_id)
        action = actions.find(session, subject, request_id)
        row = servers.known(session, subject)
    assert row is not None
    all_of_it = nova.policy.allows(ctx, "os_compute_api:os-instance-actions:events")
    details = nova.policy.allows(ctx, "os_compute_api:os-instance-actions:events:details")
    shown = _action(ctx, server_id, action)
    shown["events"] = [
        _event(ctx, event, row.project_id, all_of_it, details) for event in action.events
    ]
    return {"instanceAction": shown}


def _event(
    ctx: Context, event: actions.Event, project_id: str, all_of_it: bool, details: bool
) -> Document:
    host = event.runner.partition(".")[2]
    shown: Document = {
        "event": event.name, "start_time": micro(event.started_at),
        "finish_time": micro(event.finished_at), "result": actions.result(event),
    }
    if all_of_it:
        shown["traceback"] = event.error
    if ctx.version >= (2, 62):
        shown["hostId"] = host_id(project_id, host or event.runner)
        if all_of_it:
            shown["host"] = host or event.runner
    if ctx.version >= (2, 84):
        shown["details"] = event.error if details else _sentence(event.error, host)
    return shown


def _sentence(error: str | None, host: str) -> str | None:
    """What anybody may read of an error: its first line, and no host's name."""
    if not error:
        return None
    sentence = error.partition("\n")[0]
    return servers.without(host, sentence) if host else sentence
