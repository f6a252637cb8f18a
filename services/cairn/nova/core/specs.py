"""What a compute is told of a server."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cairn.nova import rpc
from cairn.nova.core import block_devices, guest_documents
from cairn.nova.core.host_request import Group
from cairn.nova.core.servers import domain_name
from cairn.nova.db.models import Server, ServerGroup, ServerGroupMember
from cairn.nova.settings import ApiSettings


def spec(
    row: Any, settings: ApiSettings, devices: Sequence[Any] = (), *, secret: bool = False,
    dynamic: Mapping[str, Any] | None = None,
) -> rpc.Spec:
    """Everything one host needs to make, find or end the server; with `secret` also how to reach
    its volumes, which only its own host is told. `dynamic` is for its config drive."""
    drive = None
    if row.config_drive:
        drive = {path: base64.b64encode(content).decode() for path, content in
                 guest_documents.files(row, settings, devices, admin_pass=row.admin_pass,
                                       dynamic=dynamic).items()}
    return {
        "id": row.id, "name": row.name, "domain": domain_name(row.number),
        "hostname": row.hostname, "project_id": row.project_id, "user_id": row.user_id,
        "created_at": row.created_at.isoformat(), "availability_zone": row.zone,
        "vm_state": row.vm_state, "task_state": row.task_state, "power_state": row.power_state,
        "host": row.host, "flavor": row.flavor, "image": image_of(row), "vifs": row.vifs,
        "copies_image": _comes_from_shelf(row),
        "block_devices": [block_devices.to_wire(device, secret=secret) for device in devices],
        "key_name": row.key_name, "key_data": row.key_data, "user_data": row.user_data,
        "metadata": row.meta, "admin_pass": row.admin_pass, "config_drive": drive,
    }


def image_of(row: Row[Any]) -> rpc.Image | None:
    """What the server's root disk is made of: of one that comes back from the shelf the image that
    it was kept in, with the properties of its own."""
    own: rpc.Image | None = row.image
    if not _comes_from_shelf(row):
        return own
    kept: rpc.Image = row.shelved_image
    return {**kept, "properties": own["properties"] if own is not None else {}}


def _comes_from_shelf(row: Any) -> bool:
    return row.vm_state == "shelved_offloaded" and row.shelved_image is not None


def stray(row: Any) -> rpc.Spec:
    """What it takes to end a domain of the server, and nothing that is its owner's."""
    nobodys: rpc.Flavor = {"id": "", "name": "", "vcpus": 0, "ram": 0, "disk": 0, "ephemeral": 0,
                           "swap": 0, "extra_specs": {}}
    return {
        "id": row.id, "name": "", "domain": domain_name(row.number), "hostname": "",
        "project_id": "", "user_id": "", "created_at": row.created_at.isoformat(),
        "availability_zone": "", "vm_state": row.vm_state, "task_state": None,
        "power_state": row.power_state, "host": None, "flavor": nobodys, "image": None,
        "vifs": [], "block_devices": [], "key_name": None, "key_data": None, "user_data": None,
        "metadata": {}, "admin_pass": None, "config_drive": None, "copies_image": False,
    }


def group(session: Session, server_id: str, lock: bool = False) -> Group | None:
    """The server's group with how many others of it each host has; None without a group."""
    query = (
        select(ServerGroup.id, ServerGroup.policy, ServerGroup.rules)
        .join(ServerGroupMember, ServerGroupMember.group_id == ServerGroup.id)
        .where(ServerGroupMember.server_id == server_id)
    )
    row = session.execute(query.with_for_update(of=ServerGroup) if lock else query).one_or_none()
    if row is None:
        return None
    hosts: dict[str, int] = {}
    for host in session.scalars(
        select(Server.host).join(ServerGroupMember, ServerGroupMember.server_id == Server.id)
        .where(ServerGroupMember.group_id == row.id, Server.deleted.is_(False),
               Server.host.is_not(None), Server.id != server_id)
    ):
        assert host is not None
        hosts[host] = hosts.get(host, 0) + 1
    return {"id": row.id, "policy": row.policy, "rules": row.rules, "hosts": hosts}
