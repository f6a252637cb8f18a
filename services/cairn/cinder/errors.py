"""Every failure cinder can name, in upstream's words where clients look for them."""

from cairn.common.errors import Conflict, Invalid, NotFound, Problem, TooLarge


class VolumeNotFound(NotFound):
    message = "Volume {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Volume", id)


class SnapshotNotFound(NotFound):
    message = "Snapshot {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Snapshot", id)


class TypeNotFound(NotFound):
    message = "Volume type {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Volume type", id)


class TypeExists(Conflict):
    message = "Volume Type {id} already exists."


class TypeInUse(Invalid):
    message = "Target volume type is still in use."


class SpecsInUse(Invalid):
    """What says where volumes may be does not change under them."""

    message = "{what}: volumes of the type exist. Delete them, or retype them, first."


class DefaultTypeStays(Invalid):
    message = "Volume type {id} is a default volume type and cannot be deleted. {reason}"


class SpecNotFound(NotFound):
    message = "{owner} has no extra spec with key {id}."

    def __init__(self, id: object, owner: str) -> None:
        super().__init__("Extra spec", id, owner=owner)


class EncryptionNotFound(NotFound):
    message = "Volume type encryption for type {id} does not exist."

    def __init__(self, id: object) -> None:
        super().__init__("Encryption", id)


class NoDefaultType(NotFound):
    message = "Default type for project {id} not found."

    def __init__(self, id: object) -> None:
        super().__init__("Default type", id)


class AccessNotFound(NotFound):
    message = "Volume type access not found for {type} / {id} combination."

    def __init__(self, id: object, type: str) -> None:
        super().__init__("Access", id, type=type)


class AccessExists(Conflict):
    message = "Volume type access for {type} / {project} combination already exists."


class QosNotFound(NotFound):
    message = "No such QoS spec {id}."

    def __init__(self, id: object) -> None:
        super().__init__("QoS specs", id)


class QosKeyNotFound(NotFound):
    message = "QoS spec {qos} has no spec with key {id}."

    def __init__(self, id: object, qos: str) -> None:
        super().__init__("Key", id, qos=qos)


class QosExists(Conflict):
    message = "QoS Specs {name} already exists."


class QosInUse(Invalid):
    message = "QoS Specs {id} is still associated with entities."


class GroupTypeNotFound(NotFound):
    message = "Group type {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Group type", id)


class GroupNotFound(NotFound):
    message = "Group {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Group", id)


class GroupSnapshotNotFound(NotFound):
    message = "GroupSnapshot {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Group snapshot", id)


class InvalidGroup(Invalid):
    message = "Invalid group: {reason}"


class InvalidGroupType(Invalid):
    message = "Invalid group type: {reason}"


class InvalidGroupSnapshot(Invalid):
    message = "Invalid group snapshot: {reason}"


class GroupTypeExists(Conflict):
    message = "Group Type {id} already exists."


class GroupTypeInUse(Invalid):
    message = "Target group type is still in use."


class MessageNotFound(NotFound):
    message = "Message {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Message", id)


class ServiceNotFound(NotFound):
    message = "Service {binary} could not be found on host {id}."

    def __init__(self, binary: str, host: object) -> None:
        super().__init__("Service", host, binary=binary)


class BackendNotFound(NotFound):
    message = "Service cinder-volume could not be found on host {id}. Name it as host@backend."

    def __init__(self, id: object) -> None:
        super().__init__("Backend", id)


class NoSuchCluster(NotFound):
    message = "Cluster {id} could not be found: no process of this cloud is in a cluster."

    def __init__(self, id: object) -> None:
        super().__init__("Cluster", id)
class TransferNotFound(NotFound):
    message = "Transfer {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Transfer", id)


class WrongKey(Invalid):
    message = "Attempt to transfer {id} with invalid auth key."


class InvalidVolume(Invalid):
    """Its state, or what it is, does not allow it."""

    message = "Invalid volume: {reason}"


class InvalidSnapshot(Invalid):
    message = "Invalid snapshot: {reason}"


class InvalidInput(Invalid):
    message = "Invalid input received: {reason}"


class VolumeBusy(Conflict):
    message = "{reason}"


class OverLimit(TooLarge):
    """In Cinder's words, which clients look for."""

    message = (
        "{name}: Requested {requested} exceeds allowed quota: the project's limit is {limit}, of "
        "which {used} are used."
    )


class NoValidBackend(Problem):
    """`reason` is for everybody; what follows the first line only admins see."""

    code = 400
    message = "No valid backend was found. {reason}"


class Withdrawn(Problem):
    """A work whose volume is gone or going."""

    code = 409
    message = "The volume was deleted."


class BackendDown(Problem):
    code = 503
    message = "The volume's storage host does not answer. Try again when it is back."


# --- Why a host could not do what it was asked, in words a message may carry -------------------


class NoSuchBackend(Problem):
    """Its settings no longer have it."""

    message = "The storage backend of the volume is not there any more.\n{host}"


class NoScratch(Problem):
    """What follows the first line only admins see."""

    message = ("The volume's storage host has no room for the image on its way. Try again later, "
               "or ask an administrator for room.\n{cause}")


# --- Attachments -------------------------------------------------------------------------------


class AttachmentNotFound(NotFound):
    message = "Volume attachment could not be found with filter: attachment_id = {id}."

    def __init__(self, id: object) -> None:
        super().__init__("Volume attachment", id)


class InvalidAttachMode(Invalid):
    message = "Invalid attaching mode '{mode}' for volume {volume_id}."


class UsedByServer(Conflict):
    message = "Detach volume from instance {server} using the Compute API"


class ExportFailed(Problem):
    """What follows the first line only admins see."""

    code = 503
    message = "The volume's storage backend could not {what}. Try again later.\n{cause}"


class GuestStayed(Conflict):
    message = ("The server that uses the volume did not go on to its new place, and uses the old "
               "one: the server's events say why. It may be migrated again.")


class GuestMoves(Conflict):
    message = "The server that uses volume {volume} is on its way to its new place."


# --- Backups -----------------------------------------------------------------------------------


class BackupNotFound(NotFound):
    message = "Backup {id} could not be found."

    def __init__(self, id: object) -> None:
        super().__init__("Backup", id)


class InvalidBackup(Invalid):
    message = "Invalid backup: {reason}"


class NoBackupService(Problem):
    """What follows the first line only admins see."""

    code = 503
    message = "Service cinder-backup could not be found: {reason}"
