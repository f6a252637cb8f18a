"""Every failure nova can name."""

from cairn.common.errors import Conflict, Invalid, NotFound, Problem, Refused, Unavailable


class ServerNotFound(NotFound):
    message = "Instance {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Instance", id)


class FlavorNotFound(NotFound):
    message = "Flavor {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Flavor", id)


class FlavorExists(Conflict):
    message = "Flavor with {what} {value} already exists."


class ExtraSpecNotFound(NotFound):
    message = "Flavor {flavor} has no extra specs with key {id}."


class AccessExists(Conflict):
    message = "Flavor access already exists for flavor {flavor} and project {project} combination."


class AccessNotFound(NotFound):
    message = "Flavor access not found for {flavor} / {id} combination."


class KeypairNotFound(NotFound):
    message = "Keypair {name} not found for user {user}"

    def __init__(self, name: str, user: str) -> None:
        super().__init__("Keypair", name, name=name, user=user)


class KeypairExists(Conflict):
    message = "Key pair '{name}' already exists."


class OverQuota(Refused):
    """In Nova's words, which clients look for."""

    message = (
        "Quota exceeded for {over}: Requested {requested}, but already used {used} of {allowed} "
        "{unit}"
    )


class HostsOrder(Refused):
    """The order would tell which servers are on one host."""

    message = "Only administrators can sort servers by {key}"


class LimitReached(Refused):
    message = "Quota exceeded, too many {what}; the limit is {limit}."


class ServerBusy(Conflict):
    """The state does not allow it, now."""

    message = "Cannot '{action}' instance {id} while it is in {attribute} {state}"


class ServerLocked(Conflict):
    message = "Instance {id} is locked"


class ZonePinned(Conflict):
    message = ("pinned_availability_zone: the server is in {zone}, and can be pinned to no other "
               "zone than that.")


class VendordataFailed(Unavailable):
    message = "The service {name} does not tell what this server is to be told."


class NotOnAHost(Conflict):
    message = "Instance {id} is not on any host yet."


class ServerNotReady(Conflict):
    message = "Instance {id} is not ready"


class ConsoleTypeInvalid(Invalid):
    message = "Invalid console type {type}"


class ConsoleTypeUnavailable(Invalid):
    message = "Unavailable console type {type}."


class HostDown(Conflict):
    """Which host it is, is the operator's to know: `host` is a fact, not in the sentence."""

    message = (
        "The server's host does not answer, and '{action}' needs it. Try again when it is back."
    )


class MetadataNotFound(NotFound):
    message = "Metadata item was not found: {id}"

    def __init__(self, key: str) -> None:
        super().__init__("Metadata", key)


class TagNotFound(NotFound):
    message = "Tag '{id}' could not be found on the server."

    def __init__(self, tag: str) -> None:
        super().__init__("Tag", tag)


class NetworkAmbiguous(Conflict):
    message = "Multiple possible networks found, use a Network ID to be more specific."


class PortInUse(Conflict):
    message = "Port {id} is still in use."


class PortUnknown(Invalid):
    message = "Port id {id} could not be found."


class NetworkUnknown(Invalid):
    message = "Network {id} could not be found."


class Gone(Problem):
    code = 410
    message = "Compute does not have this any more."


class NotSupported(Problem):
    code = 501
    message = "Feature not supported: {reason}"


class FloatingIpNotFound(NotFound):
    message = "Floating IP {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Floating IP", id)


class FloatingIpPoolNotFound(NotFound):
    message = "Floating IP pool {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Floating IP pool", id)


class NoMoreFloatingIps(NotFound):
    message = "No more floating IPs in pool {id}."

    def __init__(self, pool: str) -> None:
        super().__init__("Floating IP", pool)


class FixedIpInUse(Invalid):
    message = "Fixed IP address {address} is already in use."


class InterfaceAttachFailed(Problem):
    """Upstream's code for what the host or the network agent could not do."""

    code = 500
    message = "Failed to attach network adapter device to {id}: {reason}"


class StillAttaching(Problem):
    code = 504
    message = (
        "The interface is not attached after {seconds:.0f} s, and is still being worked on: the "
        "server's actions say how it ends."
    )


class VolumeNotFound(NotFound):
    message = "Volume {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Volume", id)


class VolumeGone(Conflict):
    message = "The volume is the server's no more."


class NotMade(Problem):
    """What Cinder was asked for will not be there."""


class SnapshotNotMade(NotMade):
    message = "Snapshot {id} did not finish being created: its status is {status}."


class VolumeNotMade(NotMade):
    message = "Volume {id} did not finish being created: its status is {status}."


class TooManyDisks(Refused):
    message = (
        "The maximum allowed number of disk devices ({limit}) to attach to a single instance has "
        "been exceeded."
    )


class DeviceInUse(Conflict):
    message = "The supplied device path ({device}) is in use."


class BackupRefused(Invalid):
    message = "Backup is not supported for volume-backed instances."


class AgentDisabled(Conflict):
    message = "QEMU guest agent is not enabled for the instance {id}: its image says so."


class PasswordNotSet(Conflict):
    message = "Failed to set admin password on {id} because {reason}"


class AgentSilent(Problem):
    """Upstream's code for a guest that nobody answers in."""

    code = 501
    message = "Unable to set password on instance"


class UnshelveToWhere(Conflict):
    """Only one that is on no host goes to another."""

    message = (
        "Specifying an availability zone or a host when unshelving server {id} with status "
        "{status} is not supported. The server status must be SHELVED_OFFLOADED."
    )


class HostNotInZone(Conflict):
    message = "Host {host} is not in the availability zone {zone}."


class NoValidHost(Problem):
    """`reason` is for everybody; what follows the first line only admins see."""

    code = 400
    message = "No valid host was found. {reason}"


class Withdrawn(Problem):
    """A work whose server is gone or going."""

    code = 409
    message = "The server was deleted."


class NeighbourTrouble(Unavailable):
    message = "{reason}"


# --- Why a host could not do what it was asked, in words a fault may carry ------------------


class ImageBroken(Problem):
    message = "Image {id} is unacceptable: {reason}"


class ImageChanged(Problem):
    message = "Image {id} is not what it is said to be: its checksum is {found}, not {said}"


class NoDiskSpace(Problem):
    message = "Host {host} has {free} MiB of disk left, {needed} MiB are needed for {what}."


class FlavorTooSmall(Problem):
    message = (
        "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, image is "
        "{image} bytes."
    )


class PortNotPlugged(Problem):
    message = "Port {id} is {status}, not ACTIVE, on host {host} after {seconds:.0f} s."


class NeedsAway(Problem):
    """What a host needs for a server that ran there; what is said of it follows."""

    message = "What the server needs on its host was not there within {seconds:.0f} s: {reason}"


class PortGone(Problem):
    message = "Port {id} is the server's no more."


class Unsupported(Problem):
    message = "This host cannot do that: {reason}"


class HypervisorFailed(Problem):
    """Its own words tell of the host: they follow the first line, and only admins see them."""

    message = "The hypervisor could not do it.\n{reason}"


class HypervisorAway(HypervisorFailed):
    """It was not there, or ended meanwhile: what it began may come to its end all the same."""

    code = 503
