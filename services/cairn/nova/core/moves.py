"""A server that is resized or moved while it is off: what is asked for, checked, and its works
written. Until that is confirmed its old claim is the migration's, its disks are kept on the host
that it left, and it counts against quotas as the larger of its flavors."""

import datetime as dt
import logging
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, NotFound, Problem
from cairn.common.flows import Action
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import (
    block_devices,
    flavors,
    hosts,
    images,
    migrations,
    quotas,
    servers,
    works,
)
from cairn.nova.core.flows import confirm_resize, migrate, resize, revert_resize
from cairn.nova.db.models import Migration, Server
from cairn.nova.errors import HostDown, NotOnAHost, ServerBusy
from cairn.nova.rpc import CONDUCTOR

log = logging.getLogger(__name__)


def resize_server(
    nova: Nova, ctx: Context, server_id: str, flavor_id: str, disk_config: str | None
) -> None:
    """Begin to give the caller's server another flavor. Raises ServerNotFound, ServerLocked,
    ServerBusy, NotOnAHost, HostDown, OverQuota, and Invalid naming what is wrong."""
    row = servers.get(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    works.check_may(row, resize.ACTION)
    with nova.db.reading() as session:
        try:
            flavor = flavors.record(flavors.find(session, ctx, flavor_id))
        except NotFound as missing:
            raise Invalid(reason=f"Flavor {flavor_id} could not be found.") from missing
        devices = block_devices.of(session, row.id)
    _check_flavor(row, flavor, on_volume=block_devices.volume_backed(devices) is not None)
    values = {} if disk_config is None else {"disk_config": disk_config}
    # A host is never asked to be left for a flavor's sake.
    _begin(nova, ctx, row, resize.ACTION, "resize", flavor, values,
           {"host": None, "excluded": [] if nova.api.resize_to_same_host else [row.host]})


def migrate_server(nova: Nova, ctx: Context, server_id: str, host: str | None) -> None:
    """Begin to move the server to another host, or that one. Raises as `resize_server`."""
    row = servers.get(nova, ctx, server_id)
    works.check_may(row, migrate.ACTION)
    if host is not None:
        with nova.db.reading() as session:
            if not hosts.has_node(session, host, None):
                raise Invalid(reason=f"Compute host {host} could not be found.")
        if host == row.host:
            raise Invalid(reason=f"host: the server is on {host}.")
    _begin(nova, ctx, row, migrate.ACTION, "migration", row.flavor, {},
           {"host": host, "excluded": [row.host]})


def _check_flavor(row: Row[Any], flavor: rpc.Flavor, *, on_volume: bool) -> None:
    """Raises Invalid."""
    if flavor["id"] == row.flavor_id:
        raise Invalid(reason="When resizing, instances must change flavor!")
    if not on_volume and 0 < flavor["disk"] < row.flavor["disk"]:
        raise Invalid(reason=f"Flavor {flavor['name']} has {flavor['disk']} GiB of disk, less than "
                             f"the {row.flavor['disk']} GiB that the server has.")
    if not on_volume and flavor["disk"] == 0 < row.flavor["disk"]:
        raise Invalid(reason="Resize to zero disk flavor is not allowed.")
    if flavor["ephemeral"] < row.flavor["ephemeral"]:
        raise Invalid(reason=f"Flavor {flavor['name']} has {flavor['ephemeral']} GiB of ephemeral "
                             f"disk, less than the {row.flavor['ephemeral']} GiB there are.")
    if row.image is not None:
        images.check_memory(row.image, flavor)


def _begin(
    nova: Nova, ctx: Context, row: Row[Any], action: Action, kind: str, flavor: rpc.Flavor,
    values: dict[str, Any], args: dict[str, Any],
) -> None:
    grown = migrations.grown(row.flavor, flavor)

    def write(session: Session) -> None:
        works.claim(session, row, action)
        if row.host is None:
            raise NotOnAHost(id=row.id)
        if not hosts.is_up(session, row.host, nova.service):
            raise HostDown(host=row.host, action=action.kind)
        limits = quotas.limits(session, row.project_id, nova.quota)
        quotas.reserve(session, row.project_id, grown, limits)
        quotas.check_user(session, row.project_id, row.user_id, grown,
                          quotas.user_limits(session, row.project_id, row.user_id))
        if values:
            session.execute(update(Server).where(Server.id == row.id).values(**values))
        migration = Migration(
            server_id=row.id, project_id=ctx.project, user_id=ctx.user_id, kind=kind,
            status=migrations.ACCEPTED, source=row.host, source_node=row.node,
            old_flavor=row.flavor, new_flavor=flavor, was=row.vm_state)
        session.add(migration)
        session.flush()
        works.add(session, ctx, row, action, nova.service, {
            **args, "migration": migration.id, "source": row.host, "flavor": flavor,
            "old_flavor": row.flavor, "was": row.vm_state, "security_groups": []})

    nova.db.write(write)
    nova.ring(ctx, CONDUCTOR)


def confirm(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to give up what the caller's server was. Raises ServerNotFound, ServerLocked,
    ServerBusy, HostDown."""
    _settle(nova, ctx, server_id, confirm_resize.ACTION)


def revert(nova: Nova, ctx: Context, server_id: str) -> None:
    """Begin to make the caller's server what it was. Raises as `confirm`, and OverQuota."""
    _settle(nova, ctx, server_id, revert_resize.ACTION)


def _settle(nova: Nova, ctx: Context, server_id: str, action: Action) -> None:
    row = servers.get(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)

    def write(session: Session) -> None:
        works.claim(session, row, action)
        migration = migrations.waiting(session, row.id)
        if migration is None or (action is revert_resize.ACTION
                                 and migration.status == migrations.CONFIRMING):
            raise ServerBusy(action=action.kind, id=row.id, attribute="vm_state",
                             state=row.vm_state)
        down = next((host for host in (migration.source, migration.destination)
                     if not hosts.is_up(session, host, nova.service)), None)
        if down is not None:
            raise HostDown(host=down, action=action.kind)
        works.add(session, ctx, row, action, nova.service, {
            "migration": migration.id, "source": migration.source,
            "destination": migration.destination, "flavor": migration.new_flavor,
            "old_flavor": migration.old_flavor, "was": migration.was})

    nova.db.write(write)
    nova.ring(ctx, CONDUCTOR)


def confirm_old(nova: Nova, ctx: Context, seconds: float) -> int:
    """Confirm what has been waiting for longer than that; how many."""
    with nova.db.reading() as session:
        late = session.scalars(select(migrations.M.server_id).where(
            migrations.M.status == migrations.FINISHED,
            migrations.M.updated_at < utcnow() - dt.timedelta(seconds=seconds))).all()
    done = 0
    for server_id in late:
        try:
            confirm(nova, ctx, server_id)
        except Problem as problem:
            log.warning("%s is not confirmed: %s", server_id, problem)
        else:
            done += 1
    return done
