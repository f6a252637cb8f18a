"""The root of every failure a client may be told about."""

from typing import Any


class Problem(Exception):
    """A failure with a name. Subclasses set the HTTP code and the sentence the client reads."""

    code = 500
    message = "Something went wrong."

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.message.format(**facts))
        self.facts = facts

    @property
    def kind(self) -> str:
        """The name clients may see (Neutron's envelope has it)."""
        return type(self).__name__

    @property
    def headers(self) -> dict[str, str]:
        """More of the answer's headers."""
        return {}


class Invalid(Problem):
    code = 400
    message = "{reason}"


class Unauthorized(Problem):
    code = 401
    message = "The request you have made requires authentication."


class Forbidden(Problem):
    code = 403
    message = "Policy doesn't allow {rule} to be performed."


class Refused(Problem):
    """Known caller, allowed kind of request, but not this one."""

    code = 403
    message = "{reason}"


class NotFound(Problem):
    code = 404
    message = "{kind} {id} could not be found."

    def __init__(self, kind: str = "Resource", id: object = "", **facts: Any) -> None:
        super().__init__(kind=kind, id=id, **facts)


class NoSuchPath(Problem):
    code = 404
    message = "The resource could not be found."


class UnknownMessage(Problem):
    """Sent by another release, or by a mistake."""

    code = 501
    message = "{topic} of this release does not know the message {method:.80}."


class IncompleteMessage(Problem):
    code = 400
    message = "{topic}.{method} came without {missing}."


class UnknownWork(Problem):
    """A work of another release: its kind or a step that this one has not."""

    code = 501
    message = "This release does not know {what}."


class MethodNotAllowed(Problem):
    code = 405
    message = "The method is not allowed for this resource."


class NotAcceptable(Problem):
    code = 406
    message = "{reason}"


class Conflict(Problem):
    code = 409
    message = "{reason}"


class PreconditionFailed(Problem):
    code = 412
    message = "{reason}"


class TooLarge(Problem):
    code = 413
    message = "{reason}"


class Unsupported(Problem):
    code = 415
    message = "{reason}"


class Unavailable(Problem):
    """A neighbour did not answer; the caller may try again."""

    code = 503
    message = "{reason}"


class Remote(Problem):
    """A failure that happened in another process, as it was told over RPC."""

    def __init__(self, kind: str, code: int, message: str) -> None:
        Exception.__init__(self, message)
        self.facts = {}
        self.code = code
        self._kind = kind

    @property
    def kind(self) -> str:
        return self._kind
