"""Labels on resources."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, update

from cairn.neutron import errors
from cairn.neutron.core.kinds import TAGS, Kind
from cairn.neutron.core.write import Write


def replace(w: Write, kind: Kind, id: str, tags: Iterable[str]) -> list[str]:
    """Exactly these, whatever there was."""
    new = sorted(set(tags))
    w.session.execute(delete(TAGS).where(TAGS.c.resource_id == id))
    if new:
        w.session.execute(insert(TAGS), [{"resource_id": id, "tag": tag} for tag in new])
    w.session.execute(
        update(kind.table).where(kind.table.c.id == id)
        .values(tags=new, revision=kind.table.c.revision + 1)
    )
    return new


def remove(w: Write, kind: Kind, id: str, have: list[str], tag: str) -> None:
    """Raises TagNotFound."""
    if tag not in have:
        raise errors.TagNotFound(tag)
    replace(w, kind, id, (t for t in have if t != tag))


def forget(w: Write, *ids: str) -> None:
    """The resources are gone."""
    w.session.execute(delete(TAGS).where(TAGS.c.resource_id.in_(ids)))
