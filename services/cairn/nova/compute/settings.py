"""nova-compute's settings, /etc/cairn/agent/nova-compute.conf."""

from dataclasses import dataclass

from cairn.common.settings import MessagingSettings, option, section


@dataclass(frozen=True)
class ComputeSettings:
    driver: str = option("libvirt", "Hypervisor driver: libvirt or fake.")
    folder: str = option("/var/lib/cairn/instances", "Where servers' disks and logs are kept.")
    threads: int = option(8, "Works this host does at once.")
    vif_plugging_timeout: float = option(60.0, "Seconds to wait for a port to become ACTIVE.")
    shutdown_timeout: float = option(60.0, "Seconds a guest gets to end in a soft reboot.")
    resume_guests: bool = option(True, "Start servers again that ran when the host went down.")
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
