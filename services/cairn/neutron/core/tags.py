"""Labels on resources."""

from collections.abc import Callable, Iterable

from sqlalchemy import delete, insert, update

from cairn.common.context import Context
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import TAGS, Kind, claim, find
from cairn.neutron.core.resources import Resource, check_revision
from cairn.neutron.core.write import Write, write


def list_tags(neutron: Neutron, ctx: Context, kind: Kind, id: str) -> list[str]:
    """Raises the kind's NotFound."""
    with neutron.db.reading() as session:
        tags: list[str] = find(session, ctx, kind, id).tags
        return tags


def change_tags(
    neutron: Neutron, ctx: Context, resource: Resource, id: str, verb: str, revision: int | None,
    change: Callable[[list[str]], Iterable[str]],
) -> list[str]:
    """The tags that there are now: what `change` makes of those there were, which nobody else
    changes meanwhile. Raises Forbidden, NotFound, RevisionNumberConstraintFailed."""
    kind = resource.kind

    def work(w: Write) -> list[str]:
        row = claim(w.session, ctx, kind, id)
        neutron.policy.enforce(ctx, f"{verb}_{kind.many}_tags", resource.target(row))
        check_revision(row, revision)
        tags = replace(w, kind, row.id, change(row.tags))
        w.record_event(f"tag.{verb}", kind.name, row.id, {
            "parent_resource": kind.many, "parent_resource_id": row.id, "tags": tags,
        }, row.project_id)
        return tags

    return write(neutron, ctx, work)


def replace(w: Write, kind: Kind, id: str, tags: Iterable[str]) -> list[str]:
    """Exactly these, whatever there was. The row is the transaction's."""
    new = sorted(set(tags))
    w.session.execute(delete(TAGS).where(TAGS.c.resource_id == id))
    if new:
        w.session.execute(insert(TAGS), [{"resource_id": id, "tag": tag} for tag in new])
    w.session.execute(
        update(kind.table).where(kind.table.c.id == id)
        .values(tags=new, revision=kind.table.c.revision + 1)
    )
    return new


def forget(w: Write, *ids: str) -> None:
    """The resources are gone."""
    w.session.execute(delete(TAGS).where(TAGS.c.resource_id.in_(ids)))
