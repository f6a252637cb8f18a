"""What nova's processes may be told, by section."""

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
    default_zone: str = option("nova", "Availability zone of hosts that are in no aggregate's.")
    attach_timeout: float = option(
        90.0, "Seconds that a request waits for an interface to be attached."
    )
    image_timeout: float = option(
        5.0, "Seconds that a request for an image of a server on volumes waits to hear that Cinder "
        "refuses more snapshots."
    )
    cross_az_attach: bool = option(
        True, "Attach volumes of other availability zones than the server's."
    )
    resize_to_same_host: bool = option(
        True, "Let a server that gets another flavor stay on its host."
    )
    max_disk_devices: int = option(26, "Most disks of one server; -1: as many as a bus names.")
    force_config_drive: bool = option(False, "Give every server a config drive.")
    dhcp_domain: str = option("novalocal", "Domain of the names that guests are told.")
    non_inheritable_image_properties: str = option(
        "cache_in_nova bittorrent", "Properties of an image that snapshots of its servers lack."
    )
    # What upstream calls [api]vendordata_jsonfile_path.
    vendordata_file: str = option("", "JSON document every guest finds as vendor_data.json.")


@dataclass(frozen=True)
class QuotaSettings:
    """Limits of projects that were given none of their own; -1 is no limit."""

    instances: int = option(10, "Servers of a project.")
    cores: int = option(20, "VCPUs of a project's servers.")
    ram: int = option(50 * 1024, "MiB of memory of a project's servers.")
    metadata_items: int = option(128, "Metadata items of one server.")
    injected_files: int = option(5, "Files injected into one server (before 2.57).")
    injected_file_content_bytes: int = option(10 * 1024, "Bytes of one injected file.")
    injected_file_path_bytes: int = option(255, "Length of an injected file's path.")
    key_pairs: int = option(100, "Key pairs of one user.")
    server_groups: int = option(10, "Server groups of a project.")
    server_group_members: int = option(10, "Servers of one group.")


@dataclass(frozen=True)
class ServiceSettings:
    interval: float = option(10.0, "Seconds between a process's reports that it works.")
    down_after: float = option(60.0, "Seconds of silence after which a process counts as down.")


@dataclass(frozen=True)
class ConductorSettings:
    threads: int = option(16, "Works a conductor runs at once.")
    attempts: int = option(3, "Hosts that are tried for one server.")
    volume_timeout: float = option(
        900.0, "Seconds that a volume may take to be made for a server, to get a new image, or to "
        "have a snapshot for one."
    )
    heal_interval: float = option(10.0, "Seconds between looks at what Neutron did to ports.")
    resize_confirm_window: int = option(
        0, "Seconds after which what was resized or moved is confirmed by itself; 0: never."
    )


@dataclass(frozen=True)
class SchedulerSettings:
    filters: str = option(
        "ComputeFilter AvailabilityZoneFilter ComputeCapabilitiesFilter "
        "AggregateInstanceExtraSpecsFilter ImagePropertiesFilter SameHostFilter "
        "DifferentHostFilter ServerGroupAntiAffinityFilter ServerGroupAffinityFilter",
        "Filters a host must pass, in this order.",
    )
    ram_weight: float = option(1.0, "RAMWeigher: positive spreads, negative stacks.")
    cpu_weight: float = option(1.0, "CPUWeigher: positive spreads, negative stacks.")
    disk_weight: float = option(1.0, "DiskWeigher: positive spreads, negative stacks.")
    soft_affinity_weight: float = option(1.0, "ServerGroupSoftAffinityWeigher.")
    soft_anti_affinity_weight: float = option(1.0, "ServerGroupSoftAntiAffinityWeigher.")
    max_candidates: int = option(1000, "Most candidates asked of placement.")
    host_subset_size: int = option(1, "Choose among this many of the best, at random.")


@dataclass(frozen=True)
class MetadataSettings:
    secret: str = option("", "What the metadata proxy signs instance ids with; must be set.")
    cache_seconds: float = option(15.0, "Seconds a guest's documents may be old.")


@dataclass(frozen=True)
class PurgeSettings(common.PurgeSettings):
    deleted_days: float = option(
        90.0, "Days that a deleted server is known, and what was done to it; 0: for ever."
    )
    actions: int = option(
        1000, "Actions that are known of one server, of those that ended; 0: all."
    )


@dataclass(frozen=True)
class ApiProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    api: ApiSettings = section(ApiSettings)
    quota: QuotaSettings = section(QuotaSettings)
    service: ServiceSettings = section(ServiceSettings)


@dataclass(frozen=True)
class MetadataProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    api: ApiSettings = section(ApiSettings)
    metadata: MetadataSettings = section(MetadataSettings)


@dataclass(frozen=True)
class ConductorProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    api: ApiSettings = section(ApiSettings)
    service: ServiceSettings = section(ServiceSettings)
    conductor: ConductorSettings = section(ConductorSettings)
    purge: PurgeSettings = section(PurgeSettings)


@dataclass(frozen=True)
class SchedulerProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    api: ApiSettings = section(ApiSettings)
    service: ServiceSettings = section(ServiceSettings)
    scheduler: SchedulerSettings = section(SchedulerSettings)


# --- nova-compute's, /etc/cairn/agent/nova-compute.conf --------------------------------------


@dataclass(frozen=True)
class ComputeSettings:
    driver: str = option("libvirt", "Hypervisor driver: libvirt or fake.")
    folder: str = option("/var/lib/cairn/instances", "Where servers' disks and logs are kept.")
    threads: int = option(8, "Works this host does at once.")
    vif_plugging_timeout: float = option(60.0, "Seconds to wait for a port to become ACTIVE.")
    shutdown_timeout: float = option(60.0, "Seconds a guest gets to power off, or to end in a soft "
                                    "reboot, where its image has no os_shutdown_timeout.")
    resume_guests: bool = option(True, "Start servers again that ran when the host went down.")
    resume_timeout: float = option(600.0, "Seconds such a server waits for its interfaces and "
                                   "volumes; then it is SHUTOFF.")
    reserved_vcpus: int = option(0, "Processors never given to servers.")
    reserved_memory_mb: int = option(512, "MiB of memory never given to servers.")
    reserved_disk_gb: int = option(1, "GiB of disk never given to servers.")
    cpu_allocation_ratio: float = option(4.0, "Virtual processors for each of the host's.")
    ram_allocation_ratio: float = option(1.0, "How often memory is promised.")
    disk_allocation_ratio: float = option(1.0, "How often disk space is promised.")
    image_cache_seconds: float = option(
        86400.0, "Seconds an image that no disk needs is kept after it was last asked for."
    )
    image_cache_gb: int = option(
        20, "GiB that images no disk needs may take; the oldest go first, after an hour at least."
    )
    transfer_timeout: float = option(
        7200.0, "Seconds that fetching an image, or sending a snapshot, may take."
    )
    ca_file: str = option("", "CA that the image service's certificate must come from.")
    address: str = option("127.0.0.1", "The host's own address, as the API shows it.")


@dataclass(frozen=True)
class LibvirtSettings:
    uri: str = option("qemu:///system", "The libvirt daemon.")
    virt_type: str = option(
        "auto", "kvm, qemu, or auto: kvm where the processor and /dev/kvm have it."
    )
    cpu_mode: str = option(
        "auto", "host-model, host-passthrough, maximum; auto: host-model with kvm, else maximum."
    )
    machine: str = option("pc", "Machine type of guests whose image names none.")
    vnc_address: str = option("127.0.0.1", "Where guests' VNC servers listen.")


@dataclass(frozen=True)
class ComputeProcess:
    messaging: MessagingSettings = section(MessagingSettings)
    compute: ComputeSettings = section(ComputeSettings)
    libvirt: LibvirtSettings = section(LibvirtSettings)
