"""Nova's tables."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common.db import Moment, Name, Timestamps, Uuid, new_id, new_metadata
from cairn.common.events import EventReaderRow, EventRow
from cairn.common.ledger import StepRow, WorkRow
from cairn.common.periodic import PeriodicRow

Long = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


class Base(DeclarativeBase):
    metadata = new_metadata()


class Work(WorkRow, Base):
    """What is being done to servers, and what was: the owner reads it as instance actions."""


class WorkStep(StepRow, Base):
    """The steps of a work: the events of an instance action."""


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""


class Periodic(PeriodicRow, Base):
    """What one of nova's processes does from time to time."""


class Flavor(Timestamps, Base):
    """A size that servers come in."""

    __tablename__ = "flavors"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Name] = mapped_column(String(255), unique=True)
    name: Mapped[Name] = mapped_column(String(255), unique=True)
    vcpus: Mapped[int]
    ram: Mapped[int]  # MiB
    disk: Mapped[int]  # GiB
    ephemeral: Mapped[int] = mapped_column(default=0)  # GiB
    swap: Mapped[int] = mapped_column(default=0)  # MiB
    rxtx_factor: Mapped[float] = mapped_column(default=1.0)
    is_public: Mapped[bool] = mapped_column(default=True)
    disabled: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str | None] = mapped_column(Long)
    extra_specs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class FlavorAccess(Base):
    """Who may see a flavor that is not public."""

    __tablename__ = "flavor_access"

    flavor_id: Mapped[str] = mapped_column(
        String(255), ForeignKey("flavors.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class Keypair(Timestamps, Base):
    """A user's public key."""

    __tablename__ = "keypairs"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[Name]
    type: Mapped[str] = mapped_column(String(16), default="ssh")
    fingerprint: Mapped[str] = mapped_column(String(255))
    public_key: Mapped[str] = mapped_column(Text)


class Server(Timestamps, Base):
    """A machine a project asked for, wherever it runs, and for a while after it is gone."""

    __tablename__ = "servers"
    __table_args__ = (
        Index("ix_servers_listing", "project_id", "deleted", "created_at", "number"),
        Index("ix_servers_all", "deleted", "created_at", "number"),
        Index("ix_servers_host", "host", "deleted"),
    )

    # The libvirt name counts these: instance-%08x.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    reservation_id: Mapped[str] = mapped_column(String(32))
    launch_index: Mapped[int] = mapped_column(default=0)

    # What it is called.
    name: Mapped[Name]
    hostname: Mapped[Name]
    description: Mapped[str | None] = mapped_column(String(255))
    # The API's metadata; that name is SQLAlchemy's on a model.
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    tags: Mapped[list[Any]] = mapped_column(JSON, default=list)

    # How it is.
    vm_state: Mapped[str] = mapped_column(String(32), default="building")
    # What is being done to it; one thing at a time, claimed by compare-and-set.
    task_state: Mapped[str | None] = mapped_column(String(32))
    power_state: Mapped[int] = mapped_column(default=0)
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # "owner" or "admin" while it is locked.
    locked_by: Mapped[str | None] = mapped_column(String(16))
    locked_reason: Mapped[str | None] = mapped_column(String(255))
    deleted: Mapped[bool] = mapped_column(default=False)
    launched_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    terminated_at: Mapped[dt.datetime | None] = mapped_column(Moment)

    # While it is shelved: since when, and the image of its root disk, {"id"} or rpc.Image once it
    # is on its way back; NULL where it boots from a volume.
    shelved_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    shelved_image: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # While it is soft-deleted: since when, and its vm_state before.
    soft_deleted_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    state_before: Mapped[str | None] = mapped_column(String(32))

    # What it is made of, as it was when it was asked for.
    flavor_id: Mapped[str] = mapped_column(String(255), index=True)
    flavor: Mapped[dict[str, Any]] = mapped_column(JSON)
    image_id: Mapped[str | None] = mapped_column(String(36), index=True)
    image: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # Of before there were rows of them; the release before writes it, nobody reads it.
    block_devices: Mapped[list[Any]] = mapped_column(JSON, default=list)
    root_device: Mapped[str] = mapped_column(String(64), default="/dev/vda")
    key_name: Mapped[str | None] = mapped_column(String(255))
    key_data: Mapped[str | None] = mapped_column(Text)
    user_data: Mapped[str | None] = mapped_column(Long)
    config_drive: Mapped[bool] = mapped_column(default=False)
    disk_config: Mapped[str] = mapped_column(String(8), default="MANUAL")
    trusted_certs: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    scheduler_hints: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Until the guest has it, then forgotten.
    admin_pass: Mapped[str | None] = mapped_column(String(255))
    # What the guest made up itself and told us, encrypted for the owner of the key pair.
    guest_password: Mapped[str | None] = mapped_column(String(1020))

    # Where it is.
    host: Mapped[str | None] = mapped_column(String(255))
    node: Mapped[str | None] = mapped_column(String(255))
    # What the user pinned it to, NULL when nothing.
    asked_zone: Mapped[str | None] = mapped_column(String(255))
    zone: Mapped[str] = mapped_column(String(255), default="")

    # What is asked of the network: [{"network_id"|"port_id", "address", "tag"}].
    requested_networks: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # Names for display, and the same ports as rpc.Vif, as Neutron last showed them.
    security_groups: Mapped[list[Any]] = mapped_column(JSON, default=list)
    vifs: Mapped[list[Any]] = mapped_column(JSON, default=list)
    vifs_revision: Mapped[int] = mapped_column(default=0, server_default="0")
    vifs_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    access_ipv4: Mapped[str] = mapped_column(String(45), default="")
    access_ipv6: Mapped[str] = mapped_column(String(45), default="")


class BlockDevice(Timestamps, Base):
    """A disk that a server was asked for, or that was attached to it. Disks that its flavor gives
    it are no rows."""

    __tablename__ = "block_device_mapping"
    # No server has a volume twice.
    __table_args__ = (UniqueConstraint("server_id", "volume_id"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    server_id: Mapped[str] = mapped_column(String(36))

    # As in the API: image, volume, snapshot or blank, on a local disk or on a volume.
    source_type: Mapped[str] = mapped_column(String(16))
    destination_type: Mapped[str] = mapped_column(String(16))
    device_type: Mapped[str | None] = mapped_column(String(16))
    disk_bus: Mapped[str | None] = mapped_column(String(16))
    # None or below 0: nothing boots from it.
    boot_index: Mapped[int | None]
    delete_on_termination: Mapped[bool] = mapped_column(default=False)
    device_name: Mapped[str | None] = mapped_column(String(255))
    guest_format: Mapped[str | None] = mapped_column(String(255))
    tag: Mapped[str | None] = mapped_column(String(64))
    image_id: Mapped[str | None] = mapped_column(String(36))
    snapshot_id: Mapped[str | None] = mapped_column(String(36))
    volume_id: Mapped[str | None] = mapped_column(String(36), index=True)
    volume_size: Mapped[int | None]  # GiB
    volume_type: Mapped[str | None] = mapped_column(String(255))

    # Of a volume: how far it is attached (core/block_devices.py), by which of cinder's
    # attachments, and where its host finds it. That holds secrets: it is its host's alone.
    state: Mapped[str] = mapped_column(String(16), default="attached")
    attachment_id: Mapped[str | None] = mapped_column(String(36))
    connection_info: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # {"provider", "cipher", "key_size", "control_location"}; None when it is not encrypted.
    encryption: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class ConsoleToken(Base):
    """What lets somebody open a console of a server, for a while. The token itself is nowhere."""

    __tablename__ = "console_tokens"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    # SHA-256 of the token, in hexadecimal.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    server_id: Mapped[str] = mapped_column(String(36), index=True)
    user_id: Mapped[str] = mapped_column(String(64))
    # The server's, and what the asker's own token says (common/tokens.py): once that is revoked,
    # this one is void. None where it was asked for without one.
    project_id: Mapped[str] = mapped_column(String(64))
    access: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # novnc or serial.
    console_type: Mapped[str] = mapped_column(String(16))
    # Where the server was then, and where that host hands consoles over.
    host: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(Moment)
    expires_at: Mapped[dt.datetime] = mapped_column(Moment, index=True)


class Migration(Timestamps, Base):
    """A server's way from one host to another, or from one flavor to another on the same."""

    __tablename__ = "migrations"

    # The API's id of it; its `id`, the API's uuid, is who holds the old claim in placement.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    server_id: Mapped[str] = mapped_column(String(36), index=True)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    # resize, migration, live-migration or evacuation.
    kind: Mapped[str] = mapped_column(String(16))
    # In upstream's words: see core/migrations.py.
    status: Mapped[str] = mapped_column(String(32), index=True)
    source: Mapped[str] = mapped_column(String(255))
    source_node: Mapped[str] = mapped_column(String(255))
    destination: Mapped[str | None] = mapped_column(String(255))
    destination_node: Mapped[str | None] = mapped_column(String(255))
    destination_address: Mapped[str | None] = mapped_column(String(45))
    old_flavor: Mapped[dict[str, Any]] = mapped_column(JSON)
    new_flavor: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The server's vm_state before.
    was: Mapped[str] = mapped_column(String(32))


class ServerGroup(Timestamps, Base):
    """Servers that shall share a host, or shall not."""

    __tablename__ = "server_groups"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64), index=True)
    user_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[Name]
    policy: Mapped[str] = mapped_column(String(64))
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class ServerGroupMember(Base):
    __tablename__ = "server_group_members"

    server_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    group_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("server_groups.id", ondelete="CASCADE"), index=True
    )


class Service(Timestamps, Base):
    """A process of ours on a host, by the last time a message of its own came back to it."""

    __tablename__ = "services"
    __table_args__ = (UniqueConstraint("host", "binary"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    host: Mapped[str] = mapped_column(String(255))
    binary: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    disabled: Mapped[bool] = mapped_column(default=False)
    disabled_reason: Mapped[str | None] = mapped_column(String(255))
    forced_down: Mapped[bool] = mapped_column(default=False)


class Hypervisor(Timestamps, Base):
    """What a compute host last said it is; its id is its provider's in placement."""

    __tablename__ = "hypervisors"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    host: Mapped[str] = mapped_column(String(255), unique=True)
    node: Mapped[str] = mapped_column(String(255))
    # rpc.HostReport
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Servers that it failed to build since the last that it built.
    failed_builds: Mapped[int] = mapped_column(default=0, server_default="0")


class Aggregate(Timestamps, Base):
    """Hosts with something in common; the one with `zone` makes an availability zone."""

    __tablename__ = "aggregates"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    name: Mapped[Name] = mapped_column(String(255), unique=True)
    zone: Mapped[str | None] = mapped_column(String(255))
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class AggregateHost(Base):
    __tablename__ = "aggregate_hosts"

    aggregate: Mapped[int] = mapped_column(
        ForeignKey("aggregates.number", ondelete="CASCADE"), primary_key=True
    )
    host: Mapped[str] = mapped_column(String(255), primary_key=True, index=True)


class Quota(Base):
    """A limit that is not the default; `project_id` "class:default" changes the default itself."""

    __tablename__ = "quotas"

    project_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    hard_limit: Mapped[int]


class UserQuota(Base):
    """A user's own limit in one project, beside the project's."""

    __tablename__ = "project_user_quotas"

    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    hard_limit: Mapped[int]


class Usage(Base):
    """What a project uses. Changed only by guarded UPDATE, so no two requests pass one limit."""

    __tablename__ = "usages"

    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    instances: Mapped[int] = mapped_column(default=0)
    cores: Mapped[int] = mapped_column(default=0)
    ram: Mapped[int] = mapped_column(default=0)
