"""Every failure glance can name, and how it words them."""

from http import HTTPStatus
from typing import Any

from cairn.common.errors import Conflict, NotFound, Problem, Refused, TooLarge, Unsupported


class ImageNotFound(NotFound):
    message = "No image found with ID {id}"


class MemberNotFound(NotFound):
    message = "{id} not found in the member list of the image."


class Protected(Refused):
    message = "Image {id} is protected and cannot be deleted."


class ReadOnly(Refused):
    message = "Attribute '{name}' is read-only."


class LocationsHidden(Refused):
    message = "It's not allowed to change locations if locations are invisible."


class Reserved(Refused):
    message = "Attribute '{name}' is reserved."


class OverLimit(TooLarge):
    message = "An image may have {maximum} {what}, {attempted} were attempted."


class DefinitionNotFound(NotFound):
    message = "Metadata definition {kind} {id} was not found."


class ProtectedDefinition(Refused):
    message = "Namespace {namespace} is protected: its {what} cannot be deleted."


class WrongState(Conflict):
    message = "Image status transition from {status} to {wanted} is not allowed."


class WrongContent(Unsupported):
    message = "Image content does not match disk_format {declared}: {reason}"


class WrongContainer(WrongContent):
    message = "Image content does not match container_format {declared}: {reason}"


class TooBig(TooLarge):
    message = "The image is larger than the {cap} bytes allowed."


class Gone(Problem):
    """The image was deleted, or taken over, while its bytes came in."""

    code = 410
    message = "Image {id} could not be found after upload. It may have been deleted meanwhile."


class NoRoom(TooLarge):
    message = "There is not enough disk space on the image storage media."


def envelope(problem: Problem, request_id: str) -> dict[str, Any]:
    phrase = HTTPStatus(problem.code).phrase
    return {"code": f"{problem.code} {phrase}", "title": phrase, "message": str(problem)}
