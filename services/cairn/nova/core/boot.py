"""From the body of POST /servers to rows: what is asked for, checked; then recorded at once."""

import base64
import binascii
import datetime as dt
import re
import secrets
import string
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import netaddr
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import new_id, utcnow
from cairn.common.errors import Invalid, NotFound, Refused
from cairn.common.listing import TRUE
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import (
    boot_devices,
    events,
    flavors,
    groups,
    hosts,
    keypairs,
    network,
    quotas,
)
from cairn.nova.core.flows import create
from cairn.nova.db.models import BlockDevice, Server, ServerGroup, Work, WorkStep
from cairn.nova.errors import LimitReached, OverQuota

PASSWORD = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Plan:
    """A request that passed every check but the quota's."""

    count: int
    # Columns that all servers of the request share.
    columns: dict[str, Any]
    name: str
    hostname: str | None
    # Arguments of the works: what only the scheduler and the conductor read.
    args: dict[str, Any]
    group: str | None = None
    security_groups: list[str] = field(default_factory=list)
    admin_pass: str = ""
    # Columns of each server's block devices.
    devices: list[dict[str, Any]] = field(default_factory=list)


def plan(nova: Nova, ctx: Context, body: dict[str, Any], hints: dict[str, Any]) -> Plan:
    """Check `body` (the "server" of the request, valid by schema) against the world. Writes
    nothing. Raises Invalid and its like, naming the field."""
    _check_parts(nova, ctx, body)
    count = _count(body)
    if count > 1 and body.get("hostname"):
        raise Invalid(reason="hostname: several servers cannot have one.")
    with nova.db.reading() as session:
        try:
            flavor = flavors.record(flavors.find(session, ctx, str(body["flavorRef"])))
        except NotFound as missing:
            raise Invalid(reason=f"Flavor {body['flavorRef']} could not be found.") from missing
        limits = quotas.allowed(session, ctx.project, ctx.user_id, nova.quota)
        key = _key(session, ctx, body.get("key_name"))
        group = _group(session, ctx, hints.get("group"), count, limits)
        zone, host, node = _zone(nova, session, ctx, body)
    metadata = body.get("metadata") or {}
    if 0 <= limits["metadata_items"] < len(metadata):
        raise LimitReached(what="metadata items", limit=limits["metadata_items"])
    made_of = boot_devices.plan(nova, ctx, body, flavor, zone, count)
    image = made_of.image
    if made_of.image_id is not None and flavor["disk"] == 0:
        _check_zero_disk(nova, ctx)
    zone = made_of.zone
    requested = network.resolve(nova, ctx, body.get("networks"), count)
    group_names = [g["name"] for g in body.get("security_groups") or ()]
    guards = network.security_groups(nova, ctx, group_names)
    admin_pass = body.get("adminPass") or password()
    columns = {
        "project_id": ctx.project, "user_id": ctx.user_id,
        "reservation_id": "r-" + "".join(secrets.choice(string.ascii_lowercase + string.digits)
                                         for _ in range(8)),
        "description": body.get("description") if ctx.version >= (2, 19) else body["name"],
        "meta": metadata, "tags": list(dict.fromkeys(body.get("tags") or ())),
        "vm_state": "building", "task_state": "scheduling", "flavor_id": flavor["id"],
        "flavor": flavor, "image_id": made_of.image_id, "image": image,
        "root_device": made_of.root_device,
        "key_name": key.name if key else None, "key_data": key.public_key if key else None,
        "user_data": user_data(body.get("user_data")),
        "config_drive": truthy(body.get("config_drive")) or nova.api.force_config_drive
        or image["properties"].get("img_config_drive") == "mandatory",
        "disk_config": body.get("OS-DCF:diskConfig") or "MANUAL",
        "trusted_certs": body.get("trusted_image_certificates"), "scheduler_hints": hints,
        "admin_pass": admin_pass, "asked_zone": zone, "zone": zone or nova.api.default_zone,
        "requested_networks": requested,
        "security_groups": _shown_groups(requested, group_names),
        "access_ipv4": access(body.get("accessIPv4"), "accessIPv4"),
        "access_ipv6": access(body.get("accessIPv6"), "accessIPv6"),
    }
    args = {"host": host, "node": node, "security_groups": guards, "attempt": 1, "excluded": []}
    return Plan(count, columns, body["name"], body.get("hostname"), args, group,
                group_names, admin_pass, made_of.columns)


def _shown_groups(requested: list[network.Requested], names: list[str]) -> list[str]:
    """The groups of the ports that will be made; those that are there already have their own."""
    made = any(asked["port_id"] is None for asked in requested)
    return (sorted(set(names)) or ["default"]) if made else []


def _check_parts(nova: Nova, ctx: Context, body: dict[str, Any]) -> None:
    """Parts of a request have rules of their own. Raises Forbidden."""
    for name, rule in (("networks", "attach_network"),
                       ("block_device_mapping", "attach_volume"),
                       ("block_device_mapping_v2", "attach_volume"),
                       ("trusted_image_certificates", "trusted_certs")):
        if body.get(name) and body[name] != "none":
            nova.policy.enforce(ctx, f"os_compute_api:servers:create:{rule}")


def create_servers(
    nova: Nova, ctx: Context, body: dict[str, Any], hints: dict[str, Any]
) -> tuple[Plan, list[Server]]:
    """What was asked for, checked, and its servers, recorded and handed to the conductor. Raises
    what `plan` does, and OverQuota."""
    times = {"received": utcnow()}
    request = plan(nova, ctx, body, hints)
    times["allowed"] = utcnow()
    try:
        made = nova.db.write(lambda session: record(nova, session, ctx, request, times))
    except OverQuota:
        # Upstream makes as many as the quota has room for, down to min_count.
        least = int(body.get("min_count") or 1)
        if least >= request.count:
            raise
        request = replace(request, count=least)
        made = nova.db.write(lambda session: record(nova, session, ctx, request, times))
    nova.ring(ctx, rpc.CONDUCTOR)
    return request, made


def record(
    nova: Nova, session: Session, ctx: Context, plan: Plan, times: dict[str, dt.datetime]
) -> list[Server]:
    """Usage, servers, their works and the four steps before them, in the caller's transaction.

    `times` are when the request came and when it was allowed. Raises OverQuota.
    """
    flavor = plan.columns["flavor"]
    amounts = quotas.of_servers(flavor["vcpus"], flavor["ram"], plan.count)
    limits = quotas.limits(session, ctx.project, nova.quota)
    own = quotas.user_limits(session, ctx.project, ctx.user_id)
    quotas.reserve(session, ctx.project, amounts, limits)
    quotas.check_user(session, ctx.project, ctx.user_id, amounts, own)
    made = []
    for index in range(plan.count):
        suffix = f"-{index + 1}" if plan.count > 1 else ""
        server_id = new_id()
        server = Server(
            id=server_id, launch_index=index, name=plan.name + suffix,
            hostname=plan.hostname or hostname(plan.name + suffix, server_id),
            **plan.columns,
        )
        session.add(server)
        made.append(server)
        session.add_all(BlockDevice(server_id=server_id, **device) for device in plan.devices)
    session.flush()
    if plan.group:
        groups.join(session, plan.group, [server.id for server in made],
                    quotas.narrower(limits, own)["server_group_members"])
    issued = (dt.datetime.fromtimestamp(ctx.issued_at, dt.UTC).replace(tzinfo=None)
              if ctx.issued_at else times["received"])
    for server in made:
        events.record(session, ctx, server, create.ACTION, events.START)
        work = ledger.add(session, ctx, Work, kind=create.ACTION.kind, subject=server.id,
                          runner=rpc.CONDUCTOR, args=plan.args)
        for name, begun, done in (
            ("token_issued", issued, issued),
            ("request_received", times["received"], times["received"]),
            ("policy_checked", times["received"], times["allowed"]),
            ("server_recorded", times["allowed"], utcnow()),
        ):
            ledger.note(session, WorkStep, work.id, "api", name, begun, done)
    return made


def hostname(name: str, server_id: str) -> str:
    """A name a guest can have: letters, digits and dashes of it, else one made from the id."""
    made = re.sub(r"[ _.]", "-", name.encode("ascii", "ignore").decode())
    made = re.sub(r"[^A-Za-z0-9-]", "", made).lower().strip("-")[:63].rstrip("-")
    return made or f"server-{server_id}"[:63]


def password() -> str:
    """An admin password for a server that was given none: twelve letters and digits."""
    return "".join(secrets.choice(PASSWORD) for _ in range(12))


def _count(body: dict[str, Any]) -> int:
    """The least is what is made: quota for all of `max_count` is tried first upstream, too."""
    low = int(body.get("min_count") or 1)
    high = int(body.get("max_count") or low)
    if low > high:
        raise Invalid(reason="min_count must be <= max_count")
    return high


def truthy(value: Any) -> bool:
    """Whether a flag of a body, checked by its schema, says yes: true, or a word for it."""
    return value is True or str(value).lower() in TRUE


def access(text: str | None, name: str) -> str:
    """An access address as upstream writes it (netaddr's form). Raises Invalid naming the field."""
    if not text:
        return ""
    try:
        address = netaddr.IPAddress(text)
    except (ValueError, netaddr.AddrFormatError):
        raise Invalid(reason=f"{name}: not an IP address: {text}") from None
    if (address.version == 6) != (name == "accessIPv6"):
        raise Invalid(reason=f"{name}: an address of the other version: {text}")
    return str(address)


def user_data(text: str | None) -> str | None:
    """The text as it came. Raises Invalid when it is not base64, which a guest could not read."""
    if text is None:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(reason="user_data: not base64.") from None
    return text


def _key(session: Session, ctx: Context, name: str | None) -> Any:
    if name is None:
        return None
    try:
        return keypairs.find(session, ctx.user_id, name)
    except NotFound:
        raise Invalid(reason="Invalid key_name provided.") from None


def _zone(
    nova: Nova, session: Session, ctx: Context, body: dict[str, Any]
) -> tuple[str | None, str | None, str | None]:
    """(zone, host, node) that are asked for; admins may say zone:host or zone:host:node."""
    text = body.get("availability_zone")
    host, node = body.get("host"), body.get("hypervisor_hostname")
    if host or node:
        nova.policy.enforce(ctx, "os_compute_api:compute:servers:create:requested_destination")
        if not hosts.has_node(session, host, node):
            raise Invalid(reason=f"Compute host {host or node} could not be found.")
    if not text:
        return None, host, node
    zone, *rest = text.split(":")
    if rest:
        nova.policy.enforce(ctx, "os_compute_api:servers:create:forced_host")
        if host or node:
            raise Invalid(reason="availability_zone: names a host, and so does host or "
                                 "hypervisor_hostname.")
        if len(rest) > 2:
            raise Invalid(reason="availability_zone: expected zone, zone:host or zone:host:node.")
        host, node = rest[0] or None, (rest[1] if len(rest) > 1 else None)
        computes = hosts.computes(session)
        if host and host not in computes:
            raise Invalid(reason=f"availability_zone: there is no compute host {host}.")
    if zone and zone not in hosts.zone_names(session, nova.api.default_zone):
        raise Invalid(reason="The requested availability zone is not available")
    return zone or None, host, node


def _group(
    session: Session, ctx: Context, group_id: Any, count: int, limits: dict[str, int]
) -> str | None:
    if group_id is None:
        return None
    try:
        uuid.UUID(str(group_id))
    except ValueError:
        raise Invalid(reason="Server group scheduler hint must be a UUID.") from None
    group = session.scalar(select(ServerGroup.id).where(
        ServerGroup.id == str(group_id), ServerGroup.project_id == ctx.project))
    if group is None:
        raise Invalid(reason=f"Instance group {group_id} could not be found.")
    groups.check_room(session, group, count, limits["server_group_members"])
    return group


def _check_zero_disk(nova: Nova, ctx: Context) -> None:
    """A flavor without a disk is for servers on volumes; who may bypass that gets a disk as big as
    the image. Raises Refused."""
    if not nova.policy.allows(ctx, "os_compute_api:servers:create:zero_disk_flavor"):
        raise Refused(reason="Only volume-backed servers are allowed for flavors with zero disk.")
