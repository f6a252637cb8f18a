"""Every failure neutron can name. Clients see the class's name as the type of the error."""

from typing import Any

from cairn.common import errors
from cairn.common.api import Document
from cairn.common.errors import Conflict, NotFound, Problem, Refused


def envelope(problem: Problem, request_id: str) -> Document:
    """A refusal in neutron's words."""
    kind = KINDS.get(problem.kind, problem.kind)
    return {"NeutronError": {"type": kind, "message": str(problem), "detail": ""}}


# Failures that the kernel names, in upstream's names.
KINDS = {
    "Forbidden": "PolicyNotAuthorized", "NoSuchPath": "HTTPNotFound", "Invalid": "HTTPBadRequest",
    "Unauthorized": "HTTPUnauthorized", "Problem": "HTTPInternalServerError",
    "Unavailable": "ServiceUnavailable", "MethodNotAllowed": "HTTPMethodNotAllowed",
}


class Missing(NotFound):
    """A thing that is not there, so far as the caller can tell."""

    def __init__(self, id: object = "", **facts: Any) -> None:
        super().__init__(kind=type(self).__name__.removesuffix("NotFound"), id=id, **facts)


class NetworkNotFound(Missing):
    message = "Network {id} could not be found."


class SubnetNotFound(Missing):
    message = "Subnet {id} could not be found."


class SubnetPoolNotFound(Missing):
    message = "Subnet pool {id} could not be found."


class PortNotFound(Missing):
    message = "Port {id} could not be found."


class RouterNotFound(Missing):
    message = "Router {id} could not be found"


class FloatingIPNotFound(Missing):
    message = "Floating IP {id} could not be found"


class SecurityGroupNotFound(Missing):
    message = "Security group {id} does not exist"


class SecurityGroupRuleNotFound(Missing):
    message = "Security group rule {id} does not exist"


class AgentNotFound(Missing):
    message = "Agent {id} could not be found."


class ExtensionNotFound(Missing):
    message = "Extension with alias {id} does not exist"


class TagNotFound(Missing):
    message = "Tag {id} could not be found."


class TenantQuotaNotFound(Missing):
    message = "Quota for tenant {id} could not be found."


class RouterInterfaceNotFoundForSubnet(NotFound):
    message = "Router {router} has no interface on subnet {subnet}"


class RouterInterfaceNotFound(NotFound):
    message = "Router {router} does not have an interface with id {port}"


class ExternalGatewayForFloatingIPNotFound(NotFound):
    message = (
        "External network {network} is not reachable from subnet {subnet}. Therefore, cannot "
        "associate Port {port} with a Floating IP."
    )


class InvalidInput(errors.Invalid):
    message = "Invalid input for operation: {reason}"


class BadAttribute(errors.Invalid):
    message = "Invalid input for {name}. Reason: {reason}"

    @property
    def kind(self) -> str:
        return "HTTPBadRequest"


class BadRequest(errors.Invalid):
    message = "Bad {resource} request: {reason}"


class DNSNameServersExhausted(errors.Invalid):
    message = (
        "Unable to complete operation for the subnet. The number of DNS nameservers exceeds the "
        "limit {limit}."
    )


class HostRoutesExhausted(errors.Invalid):
    message = (
        "Unable to complete operation for the subnet. The number of host routes exceeds the limit "
        "{limit}."
    )


class InvalidAllocationPool(errors.Invalid):
    message = "The allocation pool {pool} is not valid."


class OutOfBoundsAllocationPool(errors.Invalid):
    message = "The allocation pool {pool} spans beyond the subnet cidr {cidr}."


class InvalidIpForNetwork(errors.Invalid):
    message = (
        "IP address {ip} is not a valid IP for any of the subnets on the specified network."
    )


class InvalidIpForSubnet(errors.Invalid):
    message = "IP address {ip} is not a valid IP for the specified subnet."


class SubnetMismatchForPort(errors.Invalid):
    message = "Subnet on port {port} does not match the requested subnet {subnet}"


class SubnetMismatch(errors.Invalid):
    message = "Subnet {subnet} does not belong to network {network}"

    @property
    def kind(self) -> str:
        return "InvalidInput"


class ExternalGatewayNotAllowed(errors.Invalid):
    message = "Network {id} is not a valid external network"

    @property
    def kind(self) -> str:
        return "BadRequest"


class SecurityGroupInvalidIcmpValue(errors.Invalid):
    message = "Invalid value for ICMP {field} ({attr}) {value}. It must be 0 to 255."


class SecurityGroupMissingIcmpType(errors.Invalid):
    message = (
        "ICMP code (port-range-max) {value} is provided but ICMP type (port-range-min) is "
        "missing."
    )


class SecurityGroupNotSingleGroupRules(errors.Invalid):
    message = "Only allowed to update rules for one security profile at a time"


class SecurityGroupRulesNotSingleTenant(errors.Invalid):
    message = "Multiple tenant_ids in bulk security group rule create not allowed"


class SecurityGroupInvalidProtocolForPort(errors.Invalid):
    message = "Invalid protocol {protocol} for port range, only supported for {known}."


class SecurityGroupInvalidPortRange(errors.Invalid):
    message = "For TCP/UDP protocols, port_range_min must be <= port_range_max"


class SecurityGroupInvalidPortValue(errors.Invalid):
    message = "Invalid value for port {port}"


class SecurityGroupRuleInvalidEtherType(errors.Invalid):
    message = (
        "Security group rule for ethertype '{ethertype}' not supported. Allowed values are IPv4, "
        "IPv6."
    )


class SecurityGroupRuleInvalidProtocol(errors.Invalid):
    message = (
        "Security group rule protocol {protocol} not supported. Only protocol values {known} and "
        "integer representations [0 to 255] are supported."
    )


class SecurityGroupProtocolRequiredWithPorts(errors.Invalid):
    message = "Must also specify protocol if port range is given."


class SecurityGroupRuleParameterConflict(errors.Invalid):
    message = "Conflicting value ethertype {ethertype} for CIDR {cidr}"


class SecurityGroupEthertypeConflictWithProtocol(errors.Invalid):
    message = "Invalid ethertype {ethertype} for protocol {protocol}."


class SecurityGroupRemoteGroupAndRemoteIpPrefix(errors.Invalid):
    message = "Only one remote parameter may be provided: remote_ip_prefix or remote_group_id."


class PortSecurityAndIPRequiredForSecurityGroups(errors.Invalid):
    message = (
        "Port security must be enabled and port must have an IP address in order to use security "
        "groups."
    )


class PortSecurityPortHasSecurityGroup(Conflict):
    message = (
        "Port has security group associated. Cannot disable port security or IP address until "
        "security group is removed."
    )


class AddressPairAndPortSecurityRequired(Conflict):
    message = "Port Security must be enabled in order to have allowed address pairs on a port."


class OverQuota(Conflict):
    message = (
        "Quota exceeded for resources: {resources}. Limit {limit}, in use {used}, asked {asked}."
    )


class NetworkMTUSubnetConflict(Conflict):
    message = "MTU of {id} is not valid, subnet requires a minimum of {mtu}"


class NetworkInUse(Conflict):
    message = (
        "Unable to complete operation on network {id}. There are one or more ports still in use "
        "on the network, id for these ports is: {ports}."
    )


class SubnetInUse(Conflict):
    message = "Unable to complete operation on subnet {id}: {reason}"


class SubnetPoolInUse(Conflict):
    message = "Unable to complete operation on subnet pool {id}. {reason}"


class RouterInUse(Conflict):
    message = "Router {id} {reason}"


class RouterInterfaceInUseByFloatingIP(Conflict):
    message = (
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is "
        "required by one or more floating IPs."
    )


class RouterExternalGatewayInUseByFloatingIp(Conflict):
    message = (
        "Gateway cannot be updated for router {router}, since a gateway to external network "
        "{network} is required by one or more floating IPs."
    )


class RouterInterfaceInUseByRoute(Conflict):
    message = (
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is "
        "required by one or more routes."
    )


class InvalidRoutes(errors.Invalid):
    message = "Invalid format for routes: {routes}, {reason}"


class RoutesExhausted(errors.Invalid):
    message = (
        "Unable to complete operation for {router}. The number of routes exceeds the maximum "
        "{limit}."
    )


class PortInUse(Conflict):
    message = (
        "Unable to complete operation on port {port} for network {network}. Port already has an "
        "attached device {device}."
    )


class ServicePortInUse(Conflict):
    message = "Port {port} cannot be deleted directly via the port API: {reason}"


class MacAddressInUse(Conflict):
    message = "Unable to complete operation for network {network}. The mac address {mac} is in use."


class PortBound(Conflict):
    message = (
        "Unable to complete operation on port {port}, port is already bound, port type: "
        "{vif_type}, old_mac {old}, new_mac {new}."
    )


class IpAddressAlreadyAllocated(Conflict):
    message = "IP address {ip} already allocated in subnet {subnet}"


class IpAddressGenerationFailure(Conflict):
    message = "No more IP addresses available on network {network}."


class IpAddressInUse(Conflict):
    message = "Unable to complete operation for network {network}. The IP address {ip} is in use."


class GatewayConflictWithAllocationPools(Conflict):
    message = "Gateway ip {ip} conflicts with allocation pool {pool}."


class GatewayIpInUse(Conflict):
    message = "Current gateway ip {ip} already in use by port {port}. Unable to update."


class OverlappingAllocationPools(Conflict):
    message = "Found overlapping allocation pools: {one} {other} for subnet {cidr}."


class AddressInUse(Conflict):
    message = "The allocation pools leave out addresses in use, or take some in: {reason}"


class MacAddressGenerationFailure(errors.Unavailable):
    message = "Unable to generate unique mac on network {network}."


class NoNetworkAvailable(errors.Unavailable):
    message = "Unable to create the network. No tenant network is available for allocation."


class VxlanIdInUse(Conflict):
    message = "Unable to create the network. The tunnel ID {id} is in use."


class VlanIdInUse(Conflict):
    message = (
        "Unable to create the network. The VLAN {id} on physical network {physical_network} is in"
        " use."
    )


class FlatNetworkInUse(Conflict):
    message = "Unable to create the flat network. Physical network {physical_network} is in use."


class InvalidSharedSetting(Conflict):
    message = (
        "Unable to reconfigure sharing settings for network {id}. Multiple tenants are using it."
    )


class ExternalNetworkInUse(Conflict):
    message = (
        "External network {id} cannot be updated to be made non-external, since it has existing "
        "gateway ports."
    )


class DefaultExternalNetworkExists(Conflict):
    message = "A default external network already exists: {id}."


class MTUTooBig(errors.Invalid):
    message = "Requested MTU is too big, maximum is {limit}"

    @property
    def kind(self) -> str:
        return "InvalidInput"


class FloatingIPPortAlreadyAssociated(Conflict):
    message = (
        "Cannot associate floating IP {ip} ({id}) with port {port} using fixed IP {fixed}, as that "
        "fixed IP already has a floating IP on external network {network}."
    )


class SecurityGroupDefaultAlreadyExists(Conflict):
    message = "Default security group already exists."


class SecurityGroupCannotUpdateDefault(Conflict):
    message = "Updating default security group not allowed."


class SecurityGroupCannotRemoveDefault(Conflict):
    message = "Insufficient rights for removing default security group."


class SecurityGroupInUse(Conflict):
    message = "Security Group {id} {reason}."


class SecurityGroupConflict(Conflict):
    message = "Error {reason} while attempting the operation."


class DuplicateSecurityGroupRuleInPost(Conflict):
    message = "Duplicate Security Group Rule in POST."


class SecurityGroupRuleExists(Conflict):
    message = "Security group rule already exists. Rule id is {id}."


class RevisionNumberConstraintFailed(errors.PreconditionFailed):
    message = "Constrained to {expected}, but current revision is {current}"


class DefaultSubnetPoolExists(Conflict):
    message = (
        "A default subnet pool for this IP family has already been set. Only one default may "
        "exist per IP family"
    )


class SubnetAllocationError(Conflict):
    message = "Failed to allocate subnet: {reason}"


class NetworkSubnetPoolAffinityError(errors.Invalid):
    message = "Subnets hosted on the same network must be allocated from the same subnet pool."


class SubnetPoolQuotaExceeded(Conflict):
    message = "Per-tenant subnet pool prefix quota exceeded."


class MinPrefixSubnetAllocationError(errors.Invalid):
    message = (
        "Unable to allocate subnet with prefix length {length}, minimum allowed prefix is "
        "{limit}."
    )


class MaxPrefixSubnetAllocationError(errors.Invalid):
    message = (
        "Unable to allocate subnet with prefix length {length}, maximum allowed prefix is "
        "{limit}."
    )


class IllegalSubnetPoolPrefixBounds(errors.Invalid):
    message = "Illegal prefix bounds: {reason}."


class InvalidQuotaValue(errors.Invalid):
    message = "Change would make usage less than limits for the following resources: {unders}."


class InvalidDHCPAgent(AgentNotFound):
    message = "Agent {id} is not a valid DHCP Agent or has been disabled"


class NetworkHostedByDHCPAgent(Conflict):
    message = "The network {network} has been already hosted by the DHCP Agent {agent}."


class NetworkNotHostedByDhcpAgent(Conflict):
    message = "The network {network} is not hosted by the DHCP agent {agent}."


class InvalidL3Agent(AgentNotFound):
    message = "Agent {id} is not a L3 Agent or has been disabled"


class RouterHostedByL3Agent(Conflict):
    message = "The router {router} has been already hosted by the L3 Agent {agent}."


class RouterNotHostedByL3Agent(Conflict):
    message = "The router {router} is not hosted by L3 agent {agent}."


class NotYours(Refused):
    """A part of the request reaches for another project's thing in a way only its owner may."""
