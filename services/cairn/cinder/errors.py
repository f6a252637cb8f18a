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
