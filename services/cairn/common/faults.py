"""What is told of a failure: to the owner of what it was done to, and to admins."""

from cairn.common.errors import Problem


def explain(error: Exception) -> str:
    """Its first line is for the owner, the rest for admins. What nobody foresaw is called by its
    name there, as upstream does, for its own words may tell of the host."""
    return str(error) if isinstance(error, Problem) else f"{type(error).__name__}\n{error}"
