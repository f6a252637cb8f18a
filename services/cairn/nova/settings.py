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
    password_timeout: float = option(
        30.0, "Seconds that a request for another password waits for the guest's agent."
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
    shelved_offload_time: int = option(
        0, "Seconds that a shelved server stays on its host; 0: it leaves at once; -1: when "
        "somebody says so."
    )
    reclaim_instance_interval: int = option(
        0, "Seconds that a deleted server may be restored; 0: it is gone at once."
    )
    # What upstream calls [api]vendordata_jsonfile_path.
    vendordata_file: str = option("", "JSON document every guest finds as vendor_data.json.")
    vendordata_targets: str = option(
        "", "Services that are asked what to tell a server in vendor_data2.json: NAME@URL, with "
        "spaces between."
    )
    vendordata_timeout: float = option(
        5.0, "Seconds until such a service has to be reached, and again until it has to answer."
    )
    vendordata_failure_fatal: bool = option(
        False, "Let a server with a config drive fail to boot, and the metadata service refuse, "
        "when such a service does not answer."
    )


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
    weighers: str = option(
        "RAMWeigher CPUWeigher DiskWeigher IoOpsWeigher MetricsWeigher "
        "ServerGroupSoftAffinityWeigher ServerGroupSoftAntiAffinityWeigher BuildFailureWeigher "
        "HypervisorVersionWeigher NumInstancesWeigher ImagePropertiesWeigher",
        "What hosts that pass are ordered by. An aggregate's metadata may say other multipliers "
        "for its hosts, by the names of these options.",
    )
    ram_weight_multiplier: float = option(1.0, "RAMWeigher: positive spreads, negative stacks.")
    cpu_weight_multiplier: float = option(1.0, "CPUWeigher: positive spreads, negative stacks.")
    disk_weight_multiplier: float = option(1.0, "DiskWeigher: positive spreads, negative stacks.")
    io_ops_weight_multiplier: float = option(
        -1.0, "IoOpsWeigher: negative prefers hosts that make, move or copy few servers now."
    )
    num_instances_weight_multiplier: float = option(
        0.0, "NumInstancesWeigher: positive packs, negative spreads by the number of servers."
    )
    soft_affinity_weight_multiplier: float = option(1.0, "ServerGroupSoftAffinityWeigher.")
    soft_anti_affinity_weight_multiplier: float = option(
        1.0, "ServerGroupSoftAntiAffinityWeigher."
    )
    build_failure_weight_multiplier: float = option(
        1000000.0, "BuildFailureWeigher: how far back hosts go that failed their last builds."
    )
    hypervisor_version_weight_multiplier: float = option(
        1.0, "HypervisorVersionWeigher: positive prefers the newest hypervisors."
    )
    image_props_weight_multiplier: float = option(
        0.0, "ImagePropertiesWeigher: positive prefers hosts of servers whose images have the same "
        "properties."
    )
    image_props_weight_setting: str = option(
        "", "Which properties count for it and how much (os_distro=2, hw_machine_type); empty: all."
    )
    metrics_weight_multiplier: float = option(1.0, "MetricsWeigher.")
    metrics_weight_setting: str = option(
        "", "Which metrics of hosts count and how much: cpu.percent=-1.0, and so on."
    )
    metrics_weight_of_unavailable: float = option(
        -10000.0, "What a host weighs for MetricsWeigher that does not tell one of those metrics."
    )
    max_io_ops_per_host: int = option(
        8, "IoOpsFilter: servers a host may make, move or copy at once, before one more."
    )
    max_instances_per_host: int = option(50, "NumInstancesFilter: servers of one host.")
    isolated_hosts: str = option("", "IsolatedHostsFilter: hosts kept for isolated images.")
    isolated_images: str = option("", "IsolatedHostsFilter: ids of images that go only there.")
    restrict_isolated_hosts_to_isolated_images: bool = option(
        True, "IsolatedHostsFilter: other images do not go there."
    )
    aggregate_image_properties_isolation_namespace: str = option(
        "", "AggregateImagePropertiesIsolation: how names of metadata begin that count; empty: all."
    )
    aggregate_image_properties_isolation_separator: str = option(
        ".", "AggregateImagePropertiesIsolation: what follows the namespace in these names."
    )
    limit_tenants_to_placement_aggregate: bool = option(
        False, "A project goes to the aggregates whose metadata filter_tenant_id* name it, if any."
    )
    placement_aggregate_required_for_tenants: bool = option(
        False, "With the former: a project that none names goes nowhere."
    )
    enable_isolated_aggregate_filtering: bool = option(
        False, "Hosts of aggregates with metadata trait:NAME=required are for requests for all of "
        "these traits."
    )
    query_placement_for_image_type_support: bool = option(
        False, "Only hosts whose traits name the image's disk format."
    )
    max_candidates: int = option(1000, "Most candidates asked of placement.")
    host_subset_size: int = option(1, "Choose among this many of the best, at random.")
    shuffle_best_same_weighed_hosts: bool = option(
        True, "Take hosts of equal weight in random order, so that they are used evenly."
    )


@dataclass(frozen=True)
class MetadataSettings:
    secret: str = option("", "What the metadata proxy signs instance ids with; must be set.")
    cache_seconds: float = option(15.0, "Seconds a guest's documents may be old.")


@dataclass(frozen=True)
class ConsoleSettings:
    base_url: str = option("", "Where clients reach nova-console, as they write it "
                           "(https://NAME/console); empty: there are no consoles.")
    token_seconds: float = option(600.0, "Seconds in which a console that was asked for may be "
                                  "opened.")


@dataclass(frozen=True)
class ConsoleProxySettings:
    origins: str = option("", "Names that pages of browsers may come from, beside that of "
                          "[console] base_url; with the port where it is not 443.")
    ca_file: str = option("", "CA that the hosts' certificates must come from.")
    cert_file: str = option("", "This host's certificate, which they want to see.")
    key_file: str = option("", "The certificate's key.")
    connect_timeout: float = option(10.0, "Seconds that a host may take to hand a console over.")
    idle_seconds: float = option(3600.0, "Seconds without anything from its viewer after which a "
                                 "console is closed; 0: never.")
    most_seconds: float = option(43200.0, "Seconds after which it is closed in any case; 0: never.")
    check_seconds: float = option(15.0, "Seconds between looks at whether its viewer may still "
                                  "have it.")
    per_token: int = option(4, "Viewers that one token lets in at once, by one worker.")
    per_user: int = option(32, "Consoles that one user has open at once, by one worker.")
    most: int = option(512, "Consoles that one worker has open at once.")


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
    console: ConsoleSettings = section(ConsoleSettings)


@dataclass(frozen=True)
class ConsoleProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    console: ConsoleSettings = section(ConsoleSettings)
    console_proxy: ConsoleProxySettings = section(ConsoleProxySettings)


@dataclass(frozen=True)
class MetadataProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    api: ApiSettings = section(ApiSettings)
    metadata: MetadataSettings = section(MetadataSettings)
    # Whose token the services of vendordata_targets are shown; without auth_url none is.
    vendordata_auth: IdentitySettings = section(IdentitySettings)


@dataclass(frozen=True)
class ConductorProcess:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    api: ApiSettings = section(ApiSettings)
    service: ServiceSettings = section(ServiceSettings)
    conductor: ConductorSettings = section(ConductorSettings)
    purge: PurgeSettings = section(PurgeSettings)
    # Whose token the services of vendordata_targets are shown; without auth_url none is.
    vendordata_auth: IdentitySettings = section(IdentitySettings)


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
    config_drive_format: str = option(
        "iso9660", "How config drives are written: iso9660, a disc, or vfat, a disk of 64 MiB."
    )
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


@dataclass(frozen=True)
class ConsoleServerSettings:
    address: str = option("127.0.0.1", "Address at which controllers get consoles of this host.")
    port: int = option(6083, "Its port.")
    ca_file: str = option("", "CA that the controllers' certificates must come from.")
    cert_file: str = option("", "This host's certificate; empty: it hands out no consoles.")
    key_file: str = option("", "The certificate's key.")
    ticket_seconds: float = option(20.0, "Seconds in which a controller may use a ticket.")
    most: int = option(512, "Consoles that are open at once.")


@dataclass(frozen=True)
class ComputeProcess:
    messaging: MessagingSettings = section(MessagingSettings)
    compute: ComputeSettings = section(ComputeSettings)
    libvirt: LibvirtSettings = section(LibvirtSettings)
    console_server: ConsoleServerSettings = section(ConsoleServerSettings)
