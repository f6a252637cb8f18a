"""Every failure keystone can name, in the words its clients know."""

import math
from http import HTTPStatus

from cairn.common.api import Document
from cairn.common.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Problem,
    Refused,
    Unauthorized,
    Unavailable,
)


class NotKnown(NotFound):
    message = "Could not find {kind}: {id}."


class Taken(Conflict):
    message = (
        "Conflict occurred attempting to store {kind} - Duplicate entry found with {what}."
    )


class StillEnabled(Refused):
    message = (
        "Cannot delete a domain that is enabled, please disable it first. "
        "(PATCH /v3/domains/{id} with enabled false)"
    )


class NotALeaf(Refused):
    message = "Cannot delete the project {id} since it is not a leaf in the hierarchy."


class SubtreeEnabled(Refused):
    message = "Cannot disable project {id} since its subtree contains enabled projects."


class ParentDisabled(Refused):
    message = "Cannot enable project {id} since it has disabled parents."


class RegionInUse(Refused):
    message = (
        "Unable to delete region {id} because it or its child regions have endpoints or limits."
    )


class NotRegistered(Refused):
    message = "Unable to create a limit that has no corresponding registered limit."


class LimitInUse(Refused):
    message = (
        "Unable to update or delete registered limit {id} because there are project limits "
        "associated with it."
    )


class Immutable(Refused):
    message = (
        "Cannot modify or delete {kind} {id} because it is immutable. Unset the immutable option "
        "first."
    )


class PasswordExpired(Unauthorized):
    # Horizon reads the user's id out of this sentence, and asks for a new password.
    message = "The password is expired and needs to be changed for user: {id}."


class ScopeRequested(Unauthorized):
    # Upstream's words, which people look for: other variables of an openrc file are the reason.
    message = (
        "Error authenticating with application credential: Application credentials cannot request "
        "a scope."
    )


class TooManyAttempts(Problem):
    code = 429
    message = "Too many failed attempts to log in. Try again in {seconds} seconds."

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=math.ceil(seconds))

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.facts["seconds"])}


class Busy(Unavailable):
    message = "Too many log in at this moment. Try again in a second."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class FactorsMissing(Unauthorized):
    """So far so good, but the user's rules ask for more."""

    def __init__(self, receipt: str, document: Document) -> None:
        super().__init__()
        self.receipt, self.document = receipt, document


def envelope(problem: Problem, request_id: str) -> Document:
    """{"error": ...} as Keystone's clients read it."""
    text = str(problem)
    if type(problem) is Forbidden:
        text = (
            f"You are not authorized to perform the requested action: {problem.facts['rule']}."
        )
    return {"error": {
        "code": problem.code, "message": text, "title": HTTPStatus(problem.code).phrase,
    }}
