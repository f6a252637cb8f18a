"""retype: as migrate, where it moves."""

from cairn.cinder.volume.flows import migrate


class Steps(migrate.Steps):
    """The same."""
