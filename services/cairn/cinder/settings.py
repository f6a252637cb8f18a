"""What cinder's processes may be told, by section."""

from dataclasses import dataclass

from cairn.common import settings as common
from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
    PolicySettings,
    option,
    section,
)


@dataclass(frozen=True)
class ApiSettings:
    max_limit: int = option(1000, "Most items of one answer to a list.")
    default_zone: str = option("nova", "Availability zone of backends that name none.")
    default_type: str = option("__DEFAULT__", "Volume type of volumes that name none.")
    connect_timeout: float = option(
        50.0, "Seconds that a request waits for a storage host to export a volume, which it asks "
              "again meanwhile: an answer may be lost."
    )
    allow_availability_zone_fallback: bool = option(
        False, "Put volumes of a zone that does not exist into the default one."
    )


@dataclass(frozen=True)
class QuotaSettings:
    """Limits of projects that were given none of their own; -1 is no limit."""

    volumes: int = option(10, "Volumes of a project.")
    snapshots: int = option(10, "Snapshots of a project's volumes.")
    gigabytes: int = option(1000, "GiB of a project's volumes and snapshots.")
    backups: int = option(10, "Backups of a project's volumes.")
    backup_gigabytes: int = option(1000, "GiB of the volumes that a project has backups of.")
    per_volume_gigabytes: int = option(-1, "GiB of one volume.")
    groups: int = option(10, "Groups of a project's volumes.")
    no_snapshot_gb: bool = option(False, "Do not count snapshots among the gigabytes.")
    use_keystone_limits: bool = option(
        True, "Hold projects to the limits that keystone has registered for block storage, where "
        "it has any."
    )


@dataclass(frozen=True)
class ServiceSettings:
    interval: float = option(10.0, "Seconds between a process's reports that it works.")
    down_after: float = option(60.0, "Seconds of silence after which a process counts as down.")


@dataclass(frozen=True)
class EncryptionSettings:
    keys: str = option(
        "", "What passphrases of encrypted volumes are wrapped with, a space between each: the "
        "first wraps, all of them unwrap. Empty: volumes cannot be encrypted."
    )


@dataclass(frozen=True)
class SchedulerSettings:
    threads: int = option(8, "Works a scheduler runs at once.")
    attempts: int = option(3, "Backends that are tried for one volume.")
    filters: str = option(
        "AvailabilityZoneFilter CapacityFilter CapabilitiesFilter DriverFilter SameBackendFilter "
        "DifferentBackendFilter InstanceLocalityFilter",
        "Filters a pool must pass, in this order.",
    )
    weighers: str = option(
        "CapacityWeigher GoodnessWeigher", "What orders the pools that pass; AllocatedCapacity"
        "Weigher, VolumeNumberWeigher and ChanceWeigher are the others."
    )
    capacity_weight: float = option(1.0, "CapacityWeigher: positive spreads, negative stacks.")
    allocated_capacity_weight: float = option(-1.0, "AllocatedCapacityWeigher's.")
    volume_number_weight: float = option(-1.0, "VolumeNumberWeigher's.")
    goodness_weight: float = option(1.0, "GoodnessWeigher's.")


@dataclass(frozen=True)
class PurgeSettings(common.PurgeSettings):
    work_days: float = option(30.0, "Days that it is known what was done to volumes; 0: for ever.")
    transfer_days: float = option(30.0, "Days that an accepted offer is kept on record.")


@dataclass(frozen=True)
class ApiProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    api: ApiSettings = section(ApiSettings)
    quota: QuotaSettings = section(QuotaSettings)
    service: ServiceSettings = section(ServiceSettings)
    encryption: EncryptionSettings = section(EncryptionSettings)


@dataclass(frozen=True)
class SchedulerProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    api: ApiSettings = section(ApiSettings)
    quota: QuotaSettings = section(QuotaSettings)
    service: ServiceSettings = section(ServiceSettings)
    encryption: EncryptionSettings = section(EncryptionSettings)
    scheduler: SchedulerSettings = section(SchedulerSettings)
    purge: PurgeSettings = section(PurgeSettings)


# --- Of storage hosts, which have no database --------------------------------------------------


@dataclass(frozen=True)
class VolumeSettings:
    backends: str = option(
        "file:file:/var/lib/cairn/volumes",
        "Backends of this host, as NAME:KIND[:WHERE] with a space between each. Kinds: file (WHERE "
        "is a folder), nfs (the same, where a share is mounted), rbd (POOL or POOL:USER of the "
        "Ceph cluster in /etc/ceph/ceph.conf), lvm (VG or VG/POOL), fake, and what packages have "
        "under the entry point cairn.cinder.drivers.",
    )
    zone: str = option("nova", "Availability zone of this host's backends.")
    threads: int = option(4, "Works this host does at once.")
    folder: str = option(
        "/var/lib/cairn/volume-transfers", "Where images lie while they are converted."
    )
    export_address: str = option(
        "", "Address at which other hosts reach this one's exports; empty: only guests of this "
        "host do, by a socket."
    )
    transfer_timeout: float = option(
        7200.0, "Seconds that fetching or sending an image may take."
    )
    ca_file: str = option("", "CA that the image service's certificate must come from.")
    max_over_subscription_ratio: float = option(
        20.0, "How often a thin pool's room is promised, where the driver does not say."
    )
    reserved_percentage: int = option(0, "Percent of a pool that no new volume gets.")
    filter_function: str = option(
        "", "What has to be true of a volume for it to come here, as in volume.size < 100; of the "
        "same names as upstream's. Empty: nothing."
    )
    goodness_function: str = option(
        "", "How good a place this is for a volume, from 0 to 100, for GoodnessWeigher."
    )
    backup_target: str = option(
        "", "Where backups are kept: file:/FOLDER, which may be a mounted share, or "
        "rados:POOL[:USER] of the Ceph cluster in /etc/ceph/ceph.conf. Hosts with the same one "
        "restore each other's. Empty: no backups are made here."
    )
    backup_threads: int = option(2, "Backups and restorations this host does at once.")


@dataclass(frozen=True)
class VolumeProcess:
    messaging: MessagingSettings = section(MessagingSettings)
    volume: VolumeSettings = section(VolumeSettings)
