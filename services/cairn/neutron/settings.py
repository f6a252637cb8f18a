"""Neutron's settings, one dataclass per process."""

from dataclasses import dataclass

from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
    PolicySettings,
    PurgeSettings,
    option,
    section,
)


@dataclass(frozen=True)
class NetworkSettings:
    tenant_network_types: str = option(
        "vxlan", "Kinds of network a project may get without naming one, first to last."
    )
    vni_ranges: str = option("1:65536", "VXLAN ids for networks of projects, first:last, by comma.")
    vlan_ranges: str = option("", "VLAN ids of projects' networks, physnet:first:last, by comma.")
    physical_networks: str = option(
        "physnet1", "Physical networks that flat and VLAN networks may lie on, by comma."
    )
    underlay_mtu: int = option(1500, "MTU of the wires between hosts and of the physical networks.")
    dns_domain: str = option("openstacklocal", "Domain of the names that DHCP gives to ports.")
    base_mac: str = option("fa:16:3e", "The first bytes of MAC addresses that are made up.")
    agent_down_time: int = option(75, "Seconds of silence after which an agent counts as dead.")
    dhcp_agents_per_network: int = option(1, "Network nodes that serve DHCP on one network.")
    gateway_hosts: str = option(
        "", "Hosts that may say they serve DHCP, routers and metadata, by comma; empty: any host."
    )
    availability_zone: str = option("nova", "Availability zone of the agents.")
    max_subnet_nameservers: int = option(5, "DNS servers one subnet may name.")
    max_host_routes: int = option(20, "Host routes one subnet may have.")
    max_routes: int = option(30, "Static routes one router may have.")
    max_allowed_address_pairs: int = option(10, "Address pairs one port may have.")


@dataclass(frozen=True)
class QuotaSettings:
    """What a project may have of each thing, where nothing else was said; -1 is no limit."""

    network: int = option(100, "Networks.")
    subnet: int = option(100, "Subnets.")
    subnetpool: int = option(-1, "Subnet pools.")
    port: int = option(500, "Ports.")
    router: int = option(10, "Routers.")
    floatingip: int = option(50, "Floating IPs.")
    security_group: int = option(10, "Security groups.")
    security_group_rule: int = option(100, "Security group rules.")
    rbac_policy: int = option(10, "RBAC policies.")


@dataclass(frozen=True)
class ApiSettings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    network: NetworkSettings = section(NetworkSettings)
    quota: QuotaSettings = section(QuotaSettings)


@dataclass(frozen=True)
class RpcServerSettings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    network: NetworkSettings = section(NetworkSettings)
    purge: PurgeSettings = section(PurgeSettings)


@dataclass(frozen=True)
class HostSettings:
    local_ip: str = option("", "Address of this host that VXLAN tunnels end at.")
    bridge_mappings: str = option(
        "", "Bridges that physical networks are reached by, physnet:bridge, by comma."
    )
    roles: str = option(
        "l2", "What this host does, by comma: l2 (ports of servers), dhcp, l3 (routers), metadata."
    )
    interval: float = option(10.0, "Seconds between looks at the desired state.")
    report_interval: float = option(30.0, "Seconds between signs of life.")
    vxlan_port: int = option(4789, "UDP port of the tunnels.")
    state_dir: str = option("/run/cairn/neutron", "Where the agent keeps its helpers' files.")


@dataclass(frozen=True)
class MetadataSettings:
    url: str = option("", "Nova's metadata service behind the proxy, ending in /metadata.")
    secret: str = option("", "What nova knows a genuine metadata proxy by.")
    ca_file: str = option("", "CA that the metadata service's certificate must come from.")


@dataclass(frozen=True)
class AgentSettings:
    messaging: MessagingSettings = section(MessagingSettings)
    host: HostSettings = section(HostSettings)
    metadata: MetadataSettings = section(MetadataSettings)
