"""Volumes and what belongs to them, as answers show them."""

from dataclasses import dataclass
from typing import Any

import flask

from cairn.cinder.component import Cinder
from cairn.cinder.core import volumes
from cairn.cinder.core.values import stamp
from cairn.common.api import Document
from cairn.common.context import Context


def base() -> str:
    """Where the caller finds us, as the caller wrote it."""
    return flask.request.host_url.rstrip("/") + flask.request.script_root


def project() -> str:
    """The part of the URL that says which project's it is, where the caller wrote it with one."""
    told = (flask.request.view_args or {}).get("project_in_path")
    return f"/{told}" if told else ""


def links(kind: str, id_: str) -> list[Document]:
    """Links of a resource: of this version of the API, and of none."""
    return [{"rel": "self", "href": f"{base()}/v3{project()}/{kind}/{id_}"},
            {"rel": "bookmark", "href": f"{base()}{project()}/{kind}/{id_}"}]


def volume_summary(row: Any) -> Document:
    """As lists without detail show it."""
    return {"id": row.id, "name": row.name, "links": links("volumes", row.id)}


@dataclass(frozen=True)
class Shown:
    """What of volumes the caller may see beside what all may: asked once for a whole list."""

    host: bool
    migration: bool
    # Of volumes of the caller's own project, and of others'.
    owner: bool
    owners: bool

    @classmethod
    def of(cls, cinder: Cinder, ctx: Context) -> "Shown":
        """The caller's."""
        def may(rule: str, **target: str | None) -> bool:
            return cinder.policy.allows(ctx, f"volume_extension:{rule}", target)

        return cls(may("volume_host_attribute"), may("volume_mig_status_attribute"),
                   may("volume_tenant_attribute", project_id=ctx.project_id),
                   may("volume_tenant_attribute", project_id=""))


# As answers to requests that make or change a volume: upstream's extensions are not in them.
PLAIN = Shown(False, False, False, False)


def volume(
    cinder: Cinder, ctx: Context, row: Any, attachments: list[Any], shows: Shown | None = None
) -> Document:
    """As show and detailed lists do. `row` has beside the columns of a volume `type_name`."""
    version, shows = ctx.version, shows or Shown.of(cinder, ctx)
    shown: Document = {
        "id": row.id, "name": row.name, "description": row.description, "status": row.status,
        "size": row.size, "availability_zone": row.availability_zone,
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
        "attachments": [attachment(ctx, each) for each in attachments],
        "volume_type": row.type_name, "snapshot_id": row.snapshot_id,
        "source_volid": row.source_volid, "metadata": _metadata(row, attachments),
        "links": links("volumes", row.id), "user_id": row.user_id,
        "bootable": str(row.bootable).lower(), "encrypted": row.encryption_key_id is not None,
        "replication_status": None, "consistencygroup_id": None, "multiattach": row.multiattach,
    }
    if row.image_meta and shows is not PLAIN:
        shown["volume_image_metadata"] = row.image_meta
    if shows.owner if row.project_id == ctx.project_id else shows.owners:
        shown["os-vol-tenant-attr:tenant_id"] = row.project_id
    if shows.host:
        shown["os-vol-host-attr:host"] = row.host
    if shows.migration:
        shown["migration_status"] = row.migration_status
        shown["os-vol-mig-status-attr:migstat"] = row.migration_status
        shown["os-vol-mig-status-attr:name_id"] = row.name_id
    else:
        shown["migration_status"] = None
    if version >= (3, 13):
        shown["group_id"] = row.group_id
    if version >= (3, 21):
        shown["provider_id"] = None if not ctx.is_admin else row.provider.get("id")
    if version >= (3, 48):
        shown["shared_targets"] = False
        shown["service_uuid"] = None
    if version >= (3, 61) and ctx.is_admin:
        shown["cluster_name"] = None
    if version >= (3, 63):
        shown["volume_type_id"] = row.type_id
    if version >= (3, 64) and row.encryption_key_id is not None:
        shown["encryption_key_id"] = row.encryption_key_id
    if version >= (3, 65):
        shown["consumes_quota"] = not volumes.is_target(row)
    if version >= (3, 69):
        shown["shared_targets"] = None
    return shown


def _metadata(row: Any, attachments: list[Any]) -> dict[str, str]:
    """With what an administrator's metadata shows of it."""
    meta = dict(row.meta)
    if row.readonly is not None:
        meta["readonly"] = str(row.readonly)
    if attachments:
        meta["attached_mode"] = attachments[0].mode
    return meta


def attachment(ctx: Context, row: Any) -> Document:
    """An attachment, as its volume shows it; the host is an administrator's and services' to
    know."""
    host = row.attached_host or row.connector.get("host")
    return {
        "id": row.volume_id, "attachment_id": row.id, "volume_id": row.volume_id,
        "server_id": row.instance_id, "device": row.mountpoint,
        "host_name": host if ctx.is_admin or ctx.is_service else None,
        "attached_at": stamp(row.attached_at),
    }


def snapshot(ctx: Context, row: Any, *, detailed: bool = True) -> Document:
    """A snapshot; `detailed` also how far it is, and whose."""
    version = ctx.version
    shown: Document = {
        "id": row.id, "name": row.name, "description": row.description, "status": row.status,
        "size": row.size, "volume_id": row.volume_id, "metadata": row.meta,
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
    }
    if detailed:
        shown["os-extended-snapshot-attributes:progress"] = row.progress
        shown["os-extended-snapshot-attributes:project_id"] = row.project_id
    if version >= (3, 14):
        shown["group_snapshot_id"] = row.group_snapshot_id
    if version >= (3, 41):
        shown["user_id"] = row.user_id
    if version >= (3, 65):
        shown["consumes_quota"] = not row.hidden
    return shown


def transfer(ctx: Context, row: Any, *, detailed: bool = True) -> Document:
    """An offer of a volume; `detailed` also since when, and since 3.57 between whom."""
    shown: Document = {"id": row.id, "name": row.name, "volume_id": row.volume_id,
                       "links": links("os-volume-transfer", row.id)}
    if not detailed:
        return shown
    shown["created_at"] = stamp(row.created_at)
    if ctx.version >= (3, 55):
        shown["no_snapshots"] = row.no_snapshots
    if ctx.version >= (3, 57):
        shown |= {"source_project_id": row.project_id, "accepted": row.accepted,
                  "destination_project_id": row.destination_project_id}
    return shown


def group(cinder: Cinder, ctx: Context, row: Any, inside: list[str] | None = None) -> Document:
    """A group; `inside` are its volumes, where they were asked for."""
    shown: Document = {
        "id": row.id, "status": row.status, "availability_zone": row.availability_zone,
        "created_at": stamp(row.created_at), "name": row.name, "description": row.description,
        "group_type": row.group_type_id, "volume_types": row.volume_type_ids,
    }
    if ctx.version >= (3, 14):
        shown |= {"group_snapshot_id": row.group_snapshot_id,
                  "source_group_id": row.source_group_id}
    if inside is not None:
        shown["volumes"] = inside
    if ctx.version >= (3, 38):
        shown["replication_status"] = row.replication_status
    if ctx.version >= (3, 58) and cinder.policy.allows(ctx, "group:group_project_attribute"):
        shown["project_id"] = row.project_id
    return shown


def group_snapshot(cinder: Cinder, ctx: Context, row: Any) -> Document:
    """A snapshot of a group."""
    shown: Document = {
        "id": row.id, "group_id": row.group_id, "group_type_id": row.group_type_id,
        "status": row.status, "created_at": stamp(row.created_at), "name": row.name,
        "description": row.description,
    }
    if ctx.version >= (3, 58) and cinder.policy.allows(
            ctx, "group:group_snapshot_project_attribute"):
        shown["project_id"] = row.project_id
    return shown
