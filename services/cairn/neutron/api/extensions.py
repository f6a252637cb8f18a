"""/extensions and /service-providers: what clients may count on beyond networks and ports"""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.neutron import errors
from cairn.neutron.component import Neutron

api = Api({})

# Upstream's alias -> (its name, what it promises). Only what is truly kept is listed: clients and
# tests decide by it what to try.
EXTENSIONS = {
    "agent": ("agent", "The agent management extension."),
    "allowed-address-pairs": ("Allowed Address Pairs", "Provides allowed address pairs"),
    "availability_zone": ("Availability Zone", "The availability zone extension."),
    "binding": ("Port Binding", "Expose port bindings of a virtual port to external application"),
    "default-subnetpools": ("Default Subnetpools", "Provides ability to mark and use a subnetpool "
                            "as the default."),
    "dhcp_agent_scheduler": ("DHCP Agent Scheduler", "Schedule networks among dhcp agents"),
    "dns-integration": ("DNS Integration", "Provides integration with DNS."),
    "empty-string-filtering": ("Empty String Filtering Extension", "Allow filtering by attributes "
                               "with empty string value"),
    "ext-gw-mode": ("Neutron L3 Configurable external gateway mode", "Extension of the router "
                    "abstraction for specifying whether SNAT should occur on the external "
                    "gateway"),
    "external-net": ("Neutron external network", "Adds external network attribute to network "
                     "resource."),
    "extra_dhcp_opt": ("Neutron Extra DHCP options", "Extra options configuration for DHCP."),
    "extraroute": ("Neutron Extra Route", "Extra routes configuration for L3 router"),
    "extraroute-atomic": ("Atomically add/remove extra routes", "Edit extra routes of a router on "
                          "server side by atomically adding/removing extra routes"),
    "fip-port-details": ("Floating IP Port Details Extension", "Add port_details attribute to "
                         "Floating IP resource"),
    "filter-validation": ("Filter parameters validation", "Provides validation on filter "
                          "parameters."),
    "ip-substring-filtering": ("IP address substring filtering", "Provides IP address substring "
                               "filtering when listing ports"),
    "l3_agent_scheduler": ("L3 Agent Scheduler", "Schedule routers among l3 agents"),
    "net-mtu": ("Network MTU", "Provides MTU attribute for a network resource."),
    "net-mtu-writable": ("Network MTU (writable)", "Provides a writable MTU attribute for a "
                         "network resource."),
    "network-ip-availability": ("Network IP Availability", "Provides IP availability data for each "
                                "network and subnet."),
    "network_availability_zone": ("Network Availability Zone", "Availability zone support for "
                                  "network."),
    "pagination": ("Pagination support", "Extension that indicates that pagination is enabled."),
    "port-security": ("Port Security", "Provides port security"),
    "port-security-groups-filtering": ("Port filtering on security groups", "Provides security "
                                       "groups filtering when listing ports"),
    "project-id": ("project_id field enabled", "Extension that indicates that project_id field is "
                   "enabled."),
    "provider": ("Provider Network", "Expose mapping of virtual networks to physical networks"),
    "quota_details": ("Quota details management support", "Expose functions for quotas usage "
                      "statistics per project"),
    "quota-check-limit": ("Quota engine limit check", "Support for checking the resource usage "
                          "before applying a new quota limit"),
    "quotas": ("Quota management support", "Expose functions for quotas management per project"),
    "revision-if-match": ("If-Match constraints based on revision_number", "Extension indicating "
                          "that If-Match based on revision_number is supported."),
    "router": ("Neutron L3 Router", "Router abstraction for basic L3 forwarding between L2 Neutron "
               "networks and access to external networks via a NAT gateway."),
    "router_availability_zone": ("Router Availability Zone", "Availability zone support for "
                                 "router."),
    "security-group": ("security-group", "The security groups extension."),
    "security-groups-normalized-cidr": ("Normalized CIDR field for security group rules", "Add new "
                                        "field with normalized remote_ip_prefix cidr in SG rule"),
    "service-type": ("Neutron Service Type Management", "API for retrieving service providers for "
                     "Neutron advanced services"),
    "sorting": ("Sorting support", "Extension that indicates that sorting is enabled."),
    "standard-attr-description": ("standard-attr-description", "Extension to add descriptions to "
                                  "standard attributes"),
    "standard-attr-revisions": ("Resource revision numbers", "This extension will display the "
                                "revision number of neutron resources."),
    "standard-attr-tag": ("Tag support for resources with standard attribute: floatingip, network, "
                          "port, router, security_group, subnet, subnetpool", "Enables to set tag "
                          "on resources with standard attribute."),
    "standard-attr-timestamp": ("Resource timestamps", "Adds created_at and updated_at fields to "
                                "all Neutron resources that have Neutron standard attributes."),
    "stateful-security-group": ("Stateful security group", "Indicates if the security group is "
                                "stateful or not"),
    "subnet-external-network": ("Subnet belongs to an external network", "Informs if the subnet "
                                "belongs to an external network"),
    "subnet-service-types": ("Subnet service types", "Provides ability to set the subnet "
                             "service_types field"),
    "tag": ("Tag support", "Enables to set tag on resources."),
    "subnet_allocation": ("Subnet Allocation", "Enables allocation of subnets from a subnet pool"),
}
UPDATED = "2026-01-01T00:00:00-00:00"


def view(alias: str) -> Document:
    name, description = EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "updated": UPDATED,
            "links": []}


@api.get("/extensions", policy=ANYONE)
def index(neutron: Neutron, ctx: Context) -> Document:
    """List the extensions: what clients may count on beyond networks, subnets and ports."""
    return {"extensions": [view(alias) for alias in sorted(EXTENSIONS)]}


@api.get("/extensions/<alias>", policy=ANYONE)
def show(neutron: Neutron, ctx: Context, alias: str) -> Document:
    """Show one extension by its alias."""
    if alias not in EXTENSIONS:
        raise errors.ExtensionNotFound(alias)
    return {"extension": view(alias)}


@api.get("/service-providers", policy=ANYONE)
def providers(neutron: Neutron, ctx: Context) -> Document:
    """List what carries out the services: routers, on one network node each."""
    return {"service_providers": [
        {"service_type": "L3_ROUTER_NAT", "name": "single_node", "default": True}]}
