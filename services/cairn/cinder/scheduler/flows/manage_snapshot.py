"""manage_snapshot: recorded as one that was taken."""

from cairn.cinder.scheduler.flows import create_snapshot


class Steps(create_snapshot.Steps):
    """The same."""
