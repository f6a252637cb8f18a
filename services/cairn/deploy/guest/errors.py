"""Why a guest image could not be built."""


class BuildError(Exception):
    """One sentence for the operator: what failed, and where it can, what to do."""
