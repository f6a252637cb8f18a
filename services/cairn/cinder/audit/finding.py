"""Something on which the database, the backends and the guests do not agree."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cairn.cinder.component import Cinder
from cairn.common.context import Context

Mending = Callable[[Cinder, Context], None]

# Who decides that something is mended: nobody has to, the operator with a word of its own because
# bytes go, or the operator by hand.
SAFE, ORPHAN, BY_HAND = "safe", "orphan", "by hand"


@dataclass(frozen=True)
class Finding:
    kind: str
    id: str
    # What mending does; of what is mended by hand, what may be done.
    mends: str
    # What each says, in a few words; empty where it has nothing to say.
    database: str = ""
    backends: str = ""
    guests: str = ""
    # Ids of all that it is about: what is worked on now is no finding.
    about: frozenset[str] = frozenset()
    safety: str = BY_HAND
    # May be done again. Raises Problem where it can not be.
    mend: Mending | None = None
    # Of bytes without a row: they stay, and can be managed.
    spare: Mending | None = None

    def mended(self, mend: Mending, safety: str = SAFE, spare: Mending | None = None) -> "Finding":
        """The same, which can be mended so."""
        return replace(self, safety=safety, mend=mend, spare=spare)


def about(*ids: str | None) -> frozenset[str]:
    """Those that there are."""
    return frozenset(id_ for id_ in ids if id_)
