"""What is told of servers (common/events.py): upstream's types and payloads, as far as they are
known here without asking for an event's sake."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.flows import Action
from cairn.common.work import Job
from cairn.nova.core import servers
from cairn.nova.core.flows import actions, attach_interface, detach_interface
from cairn.nova.db.models import Event, Work, WorkStep

START, END, ERROR = "start", "end", "error"


def record(
    session: Session, ctx: Context, server: Any, action: Action, moment: str, *,
    error: str | None = None, **more: Any,
) -> None:
    """Record, in the transaction that changes the server, that an action of it is at START, END
    or ERROR; `more` are fields of the payload that only this action has."""
    payload = describe(server) | more
    if error is not None:
        payload["message"] = error.partition("\n")[0]
    Event.record(session, ctx, f"{action.event}.{moment}", "server", server.id, payload,
                 project_id=server.project_id)


def record_end(session: Session, job: Job) -> None:
    """Record that a work is over, in the transaction that closes it. What it was is read from its
    row: a host's word of it has no part in this."""
    work = session.execute(
        select(Work.kind, Work.subject, Work.args, Work.context).where(Work.id == job.id)).one()
    action = actions().get(work.kind)
    row = servers.find_any(session, work.subject)
    # What its host ends late was told to be deleted before.
    if action is None or row is None or work.args.get("orphan"):
        return
    more = facts(work.kind, work.args)
    if work.kind == attach_interface.ACTION.kind:
        bound = session.scalar(select(WorkStep.result).where(
            WorkStep.work_id == job.id, WorkStep.name == "port_bound"))
        more["port_id"] = bound["port_id"] if bound else None
    record(session, Context.from_wire(work.context), row, action,
           END if job.error is None else ERROR, error=job.error, **more)


def facts(kind: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a work of these args beside its server."""
    told = {name: args[name] for name in ("volume_id", "new_volume_id") if name in args}
    if args.get("image_id"):
        told["snapshot_image_id"] = args["image_id"]
    if kind == detach_interface.ACTION.kind:
        told["port_id"] = args["port_id"]
    return told


def describe(server: Any) -> dict[str, Any]:
    """A server as notifications of upstream's describe it, without what is secret."""
    flavor, image = server.flavor, server.image or {}
    return {
        "tenant_id": server.project_id, "user_id": server.user_id, "instance_id": server.id,
        "display_name": server.name, "display_description": server.description,
        "reservation_id": server.reservation_id, "hostname": server.hostname,
        "instance_type": flavor.get("name"), "instance_flavor_id": server.flavor_id,
        "memory_mb": flavor.get("ram"), "vcpus": flavor.get("vcpus"),
        "root_gb": flavor.get("disk"), "ephemeral_gb": flavor.get("ephemeral"),
        "disk_gb": (flavor.get("disk") or 0) + (flavor.get("ephemeral") or 0),
        "host": server.host, "node": server.node, "availability_zone": server.zone,
        "created_at": servers.stamp(server.created_at),
        "launched_at": servers.stamp(server.launched_at),
        "deleted_at": servers.stamp(server.terminated_at),
        "terminated_at": servers.stamp(server.terminated_at),
        "state": server.vm_state, "state_description": server.task_state or "",
        "access_ip_v4": server.access_ipv4, "access_ip_v6": server.access_ipv6,
        "image_ref_url": f"/images/{server.image_id}" if server.image_id else "",
        "image_meta": {"base_image_ref": server.image_id or "",
                       "container_format": image.get("container_format"),
                       "disk_format": image.get("disk_format")},
        "metadata": server.meta, "fixed_ips": [
            {"address": ip["address"], "vif_mac": vif["mac"], "label": vif["network_name"]}
            for vif in server.vifs for ip in vif["fixed_ips"]],
    }
