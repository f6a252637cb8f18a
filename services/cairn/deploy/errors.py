"""How the command refuses and fails: one sentence, and where it helps, what to do next."""


class CommandError(Exception):
    """Ends the command. The user sees the message, never a traceback."""

    code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(CommandError):
    """What was asked cannot be meant; nothing has been changed."""

    code = 2


class Failed(CommandError):
    """It was worth trying and did not work."""
