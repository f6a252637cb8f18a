"""The messages nova's processes accept: one class per receiver.

Records travel as JSON documents; the TypedDicts here say what is in them. Every message that
changes something may be repeated.
"""

import time
from typing import Any, NotRequired, TypedDict

from cairn.common.context import Context
from cairn.common.errors import Remote, Unavailable
from cairn.common.remote import LedgerStub
from cairn.common.rpc import Stub
from cairn.nova.core.host_request import HostRequest

# Rooms that do steps of works. The conductor's is also its name as a runner of works. Of a server
# that moves, its host is two: the one that it leaves, and the one that it comes to.
CONDUCTOR, COMPUTE = "conductor", "compute"
SOURCE, DESTINATION = "source", "destination"

# Kinds of Remote by which a process with a database says that it has none now.
DATABASE_AWAY = {"OperationalError", "InterfaceError", "TimeoutError"}


def runner_of(host: str) -> str:
    """nova-compute's name as a runner of works, on that host."""
    return f"{COMPUTE}.{host}"


class Flavor(TypedDict):
    """What was asked for, as it was when it was asked for."""

    id: str
    name: str
    vcpus: int
    ram: int  # MiB
    disk: int  # GiB
    ephemeral: int  # GiB
    swap: int  # MiB
    extra_specs: dict[str, str]


class Image(TypedDict):
    """The image a server is made from, as Glance showed it at the request."""

    id: str
    name: str
    disk_format: str
    container_format: str
    size: int
    min_disk: int
    min_ram: int
    # os_hash_value where Glance has one, else its checksum (md5), else "".
    checksum: str
    # hw_*, os_*, kernel_id, ramdisk_id and the like.
    properties: dict[str, Any]


class Subnet(TypedDict):
    id: str
    cidr: str
    version: int
    gateway: str | None
    dns: list[str]
    routes: list[dict[str, str]]  # {"destination", "nexthop"}
    dhcp: bool
    ipv6_mode: NotRequired[str | None]  # slaac, dhcpv6-stateful, dhcpv6-stateless


class FixedIp(TypedDict):
    address: str
    subnet_id: str
    floating: list[str]


class Vif(TypedDict):
    """A port of a server, with what is needed to plug it and to describe it to the guest."""

    id: str  # The port's.
    mac: str
    network_id: str
    network_name: str
    mtu: int
    fixed_ips: list[FixedIp]
    subnets: list[Subnet]
    vnic_type: str
    vif_type: str  # "tap": the agent and libvirt meet at `device`; "binding_failed", "unbound".
    vif_details: dict[str, Any]
    device: str  # Name of the tap on the host: "tap" and the port id's first 11 characters.
    status: str  # Neutron's: ACTIVE, DOWN, BUILD.
    preserve: bool  # Was the user's before the server: never deleted with it.
    tag: NotRequired[str | None]
    security_groups: NotRequired[list[str]]  # Ids.


class BlockDevice(TypedDict):
    """One disk of a server. `source` is image, blank, snapshot or volume; `destination` local or
    volume."""

    source: str
    destination: str
    image_id: str | None
    volume_id: str | None
    boot_index: int | None
    size: int | None  # GiB
    device: str | None
    device_type: str | None
    bus: str | None
    delete_on_termination: bool
    tag: str | None
    # cinder's connection_info once it is connected. Secret, as the passphrase is: for the host of
    # the server alone, which writes them nowhere.
    connection: dict[str, Any] | None
    guest_format: NotRequired[str | None]
    id: NotRequired[str]
    state: NotRequired[str]  # See core/block_devices.py.
    encrypted: NotRequired[bool]
    passphrase: NotRequired[str | None]


class Spec(TypedDict):
    """Everything a compute needs to make, find or end one server."""

    id: str
    name: str  # The display name.
    domain: str  # The libvirt name: instance-%08x.
    hostname: str
    project_id: str
    user_id: str
    created_at: str
    availability_zone: str
    vm_state: str
    task_state: str | None
    power_state: int
    host: str | None
    flavor: Flavor
    # Of a server that boots from a volume its id is "", and the properties are the volume's.
    image: Image | None
    vifs: list[Vif]
    block_devices: list[BlockDevice]
    key_name: str | None
    key_data: str | None
    user_data: str | None  # base64
    metadata: dict[str, str]
    admin_pass: str | None  # Forgotten once the server is ACTIVE.
    # Content of the config drive by path, base64; None when the server has none. Label: config-2.
    config_drive: dict[str, str] | None
    # The root disk shall need the image no more once it is made.
    copies_image: NotRequired[bool]


class Loan(TypedDict):
    """What a host needs for one job with one image: its address, and a token for no other."""

    image_id: str
    url: str  # .../v2/images/<id>; the bytes are at /file below it.
    token: str


class HostReport(TypedDict):
    """What a hypervisor is and has. Amounts are the whole machine's; what is reserved is beside."""

    hypervisor_hostname: str
    hypervisor_type: str  # QEMU, KVM, LXC or fake
    hypervisor_version: int  # libvirt's: 7002000 for 7.2.0
    host_ip: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    vcpus_used: int
    memory_mb_used: int
    disk_gb_used: int
    disk_available_least: int
    running_vms: int
    reserved_vcpus: int
    reserved_memory_mb: int
    reserved_disk_gb: int
    cpu_allocation_ratio: float
    ram_allocation_ratio: float
    disk_allocation_ratio: float
    cpu_info: dict[str, Any]  # {"arch", "model", "vendor", "topology": {...}, "features": [...]}
    traits: list[str]  # HW_CPU_X86_AVX, COMPUTE_NODE, ...
    # [[arch, hypervisor type, vm mode]], e.g. [["x86_64", "qemu", "hvm"]]: ImagePropertiesFilter
    supported_instances: list[list[str]]
    uptime: str


class ConsolePlace(TypedDict):
    """Where a host hands over a console: over TLS, to a controller that shows its ticket."""

    address: str
    port: int
    # Good once, for seconds; "" where none was asked for.
    ticket: str


class Conductor(LedgerStub):
    """The process that has the database, for those that have not."""

    topic = "nova.conductor"
    from_hosts = {
        "ring": "", "report_service": "service_host", "report_host": "service_host",
        "servers_of": "service_host", "sync_power": "service_host",
        "host_restarted": "service_host",
        # Of servers on the host.
        "spec": "", "passphrases": "", "lend_image": "", "refresh_vifs": "", "server_started": "",
        "server_changed": "", "task_failed": "", "volume_swapped": "",
        # Of servers anywhere: says no more than what a domain is called.
        "stray": "",
        # Of works that are the host's to do.
        "work_take": "", "work_change": "", "work_renew": "",
    }
    # Seconds that a question waits for a conductor, or a broker, that restarts.
    patience = 45.0

    def call(
        self, ctx: Context, method: str, *, host: str | None = None,
        timeout: float | None = None, **args: Any,
    ) -> Any:
        """Ask again while nobody answers: every question may be repeated. What is said at
        intervals, and the ledger's own, are not: those have a next time."""
        end = time.monotonic() + self.patience
        pause = 0.2
        while True:
            try:
                return super().call(ctx, method, host=host, timeout=timeout, **args)
            except (Unavailable, Remote) as error:
                away = isinstance(error, Unavailable) or error.kind in DATABASE_AWAY
                hurried = method.startswith(("work_", "report_", "sync_"))
                if not away or hurried or time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def ring(self, ctx: Context) -> None:
        """There may be work for the conductor. A doorbell."""
        self.cast(ctx, "ring")

    def report_service(self, ctx: Context, *, binary: str, service_host: str) -> dict[str, Any]:
        """`binary` on that host just had a message come back through its own queue and thread.

        Answers {"interval": seconds until the next report}.
        """
        return self.call(  # type: ignore[no-any-return]
            ctx, "report_service", binary=binary, service_host=service_host
        )

    def report_host(
        self, ctx: Context, *, service_host: str, report: HostReport
    ) -> dict[str, Any]:
        """What the host is now: kept, and its provider and inventory written to placement.

        Answers {"id": the hypervisor's uuid}. Raises Unavailable while placement is away.
        """
        return self.call(  # type: ignore[no-any-return]
            ctx, "report_host", service_host=service_host, report=report, timeout=30
        )

    def servers_of(self, ctx: Context, *, service_host: str) -> list[dict[str, Any]]:
        """The servers that are the host's to run: [{"id", "domain", "vm_state", "task_state",
        "power_state", "building"}]; `building` while a work of its creation or deletion is open.
        A domain of ours that is not among them is nobody's."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "servers_of", service_host=service_host
        )

    def host_restarted(
        self, ctx: Context, *, service_host: str, stopped: list[str]
    ) -> dict[str, Any]:
        """The host went down and is back; of its servers these do not run there. Those that are to
        run are started, by works.

        Answers {"busy": ids of those that something else is done to: ask again for them}.
        """
        return self.call(  # type: ignore[no-any-return]
            ctx, "host_restarted", service_host=service_host, stopped=stopped
        )

    def spec(self, ctx: Context, *, server_id: str) -> Spec:
        """Everything about one server, deleted or not. Raises Remote 404 if there never was one,
        and for a host also when it is not its own."""
        return self.call(ctx, "spec", server_id=server_id)  # type: ignore[no-any-return]

    def passphrases(self, ctx: Context, *, server_id: str) -> dict[str, str]:
        """For the host of the server, as it starts it or attaches to it: what opens its encrypted
        volumes, by their ids. Kept in memory, and no longer than that lasts."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "passphrases", server_id=server_id, timeout=30
        )

    def lend_image(self, ctx: Context, *, server_id: str, purpose: str) -> Loan:
        """For the host of the server: "read", the image it is made from; "fill", the image that it
        is being made into. Raises Remote 404 when there is none."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "lend_image", server_id=server_id, purpose=purpose, timeout=30
        )

    def stray(self, ctx: Context, *, server_id: str) -> Spec:
        """As much of a server's spec as it takes to end a domain of it that is where it should not
        be, and nothing that is its owner's. Raises Remote 404 if there never was one."""
        return self.call(ctx, "stray", server_id=server_id)  # type: ignore[no-any-return]

    def refresh_vifs(self, ctx: Context, *, server_id: str) -> list[Vif]:
        """The server's ports as Neutron has them now. Cheap: ask as often as a wait needs."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "refresh_vifs", server_id=server_id, timeout=30
        )

    def server_started(
        self, ctx: Context, *, server_id: str, power_state: int
    ) -> None:
        """A created or rebuilt server runs: ACTIVE, launched now, no task, password forgotten."""
        self.call(ctx, "server_started", server_id=server_id, power_state=power_state)

    def server_changed(
        self, ctx: Context, *, server_id: str, task_state: str | None, power_state: int,
        vm_state: str | None = None,
    ) -> None:
        """A task went on or ended (`task_state` None). `vm_state` None leaves it as it is."""
        self.call(ctx, "server_changed", server_id=server_id, task_state=task_state,
                  power_state=power_state, vm_state=vm_state)

    def task_failed(
        self, ctx: Context, *, server_id: str, message: str, vm_state: str | None = None
    ) -> None:
        """A task (stop, start, reboot, rebuild) failed: no task; a fault if `vm_state` is error."""
        self.call(ctx, "task_failed", server_id=server_id, message=message, vm_state=vm_state)

    def volume_swapped(
        self, ctx: Context, *, server_id: str, device_id: str, new_device_id: str
    ) -> None:
        """The guest has the volume of the one device in place of the other's."""
        self.call(ctx, "volume_swapped", server_id=server_id, device_id=device_id,
                  new_device_id=new_device_id)

    def sync_power(
        self, ctx: Context, *, service_host: str, states: dict[str, int]
    ) -> None:
        """Power states by server id, as the hypervisor has them: what happened without us (a guest
        that powered itself off becomes SHUTOFF). Servers with a task are left alone."""
        self.call(ctx, "sync_power", service_host=service_host, states=states)


class Scheduler(Stub):
    """Chooses hosts."""

    topic = "nova.scheduler"

    def select_host(
        self, ctx: Context, *, server_id: str, wanted: HostRequest, excluded: list[str]
    ) -> dict[str, Any]:
        """A host that fits `wanted` (core/host_request.py) and is not excluded, already claimed in
        placement for the server: {"host", "node", "provider", "candidates", "fitting"}, the last
        two being how many were looked at and how many would have done. A server that has a claim
        keeps it: repeating is safe. Raises Remote NoValidHost."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "select_host", server_id=server_id, wanted=wanted, excluded=excluded, timeout=15
        )


class Compute(Stub):
    """One hypervisor's process. Works reach it by its conductor; these are for now or never."""

    topic = "nova.compute"

    def ring(self, ctx: Context, *, host: str) -> None:
        """There may be work for the host. A doorbell."""
        self.cast(ctx, "ring", host=host)

    def console_output(
        self, ctx: Context, *, host: str, server_id: str, length: int | None
    ) -> str:
        """The last `length` lines of the serial console (None: all that is kept)."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "console_output", host=host, server_id=server_id, length=length
        )

    def check_console(
        self, ctx: Context, *, host: str, server_id: str, console_type: str
    ) -> ConsolePlace:
        """Where the server's console would be handed over, if it has one now; without a ticket.
        Raises Remote ServerNotReady, ConsoleTypeUnavailable."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "check_console", host=host, server_id=server_id, console_type=console_type
        )

    def open_console(
        self, ctx: Context, *, host: str, server_id: str, console_type: str
    ) -> ConsolePlace:
        """The same with a ticket, by which it is opened. Repeated it gives another."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "open_console", host=host, server_id=server_id, console_type=console_type
        )

    def diagnostics(self, ctx: Context, *, host: str, server_id: str) -> dict[str, Any]:
        """What the hypervisor counts about a server that runs, in the words of microversion 2.48.
        Beside them each of nic_details and disk_details has the `name` of the device on its host,
        and memory_stats, in KiB, is what is known of the balloon. Raises Remote ServerBusy."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "diagnostics", host=host, server_id=server_id
        )

    def uptime(self, ctx: Context, *, host: str) -> str:
        """The host's `uptime` line."""
        return self.call(ctx, "uptime", host=host)  # type: ignore[no-any-return]

    def cache_images(
        self, ctx: Context, *, host: str, images: list[Image], loans: list[Loan]
    ) -> None:
        """Fetch those of the images that the host has not, each by its loan, when there is time.
        Answers at once: how it went is in the host's log."""
        self.call(ctx, "cache_images", host=host, images=images, loans=loans, timeout=10)

    def guest_volumes(self, ctx: Context, *, host: str) -> dict[str, list[str]]:
        """Ids of the volumes that each guest really has, by server id; of every guest of ours."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "guest_volumes", host=host, timeout=30
        )
