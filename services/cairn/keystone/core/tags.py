"""Tags of projects."""

from cairn.common import events
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.component import Keystone
from cairn.keystone.core.attributes import refuse_immutable
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.projects import authorize, set_tags, tags_of
from cairn.keystone.db.models import Project, ProjectTag
from cairn.keystone.errors import NotKnown

MOST = 80


def list_tags(keystone: Keystone, ctx: Context, project_id: str) -> list[str]:
    """In their order. Raises Forbidden, NotKnown."""
    authorize(keystone, ctx, "identity:list_project_tags", project_id)
    return _read(keystone, project_id)


def _read(keystone: Keystone, project_id: str) -> list[str]:
    with keystone.db.reading() as session:
        return tags_of(session, [project_id]).get(project_id, [])


def _authorize_change(keystone: Keystone, ctx: Context, verb: str, project_id: str) -> None:
    project = authorize(keystone, ctx, f"identity:{verb}", project_id)
    refuse_immutable(project.options, "project", project_id)


def _record(change: Change, project_id: str) -> None:
    change.record("project", "updated", project_id, project_id=project_id)


def replace(keystone: Keystone, ctx: Context, project_id: str, tags: list[str]) -> list[str]:
    """All the tags there are now. Raises Forbidden, NotKnown, Immutable."""
    _authorize_change(keystone, ctx, "update_project_tags", project_id)
    with changing(keystone, ctx, "project_tag", f"project {project_id}") as change:
        set_tags(change.session, project_id, tags)
        _record(change, project_id)
    return sorted(tags)


def clear(keystone: Keystone, ctx: Context, project_id: str) -> None:
    """Take all tags from a project. Raises Forbidden, NotKnown, Immutable."""
    _authorize_change(keystone, ctx, "delete_project_tags", project_id)
    with changing(keystone, ctx) as change:
        set_tags(change.session, project_id, [])
        _record(change, project_id)


def check(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Whether a project has a tag. Raises Forbidden, NotKnown."""
    authorize(keystone, ctx, "identity:get_project_tag", project_id)
    if tag not in _read(keystone, project_id):
        raise NotKnown("project tag", tag)


def add(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Give a project one more tag. Safe to repeat. Raises Forbidden, NotKnown, Immutable, Invalid.
    """
    _authorize_change(keystone, ctx, "create_project_tag", project_id)
    if "," in tag or len(tag) > 255:
        raise Invalid(reason="Invalid input for field/attribute tag. It must have at most 255 "
                             "characters and no comma.")
    with changing(keystone, ctx, "project_tag", tag) as change:
        session = change.session
        # Who adds at the same time waits: there are not more than MOST in the end.
        session.get(Project, project_id, with_for_update=True)
        if len(tags_of(session, [project_id]).get(project_id, [])) >= MOST:
            raise Invalid(reason="Invalid input for field/attribute tag. A project has at most "
                                 f"{MOST} tags.")
        if session.merge(ProjectTag(project_id=project_id, name=tag)) in session.new:
            _record(change, project_id)
        else:
            events.unchanged()


def remove(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Take a tag from a project. Raises Forbidden, NotKnown, Immutable."""
    _authorize_change(keystone, ctx, "delete_project_tag", project_id)
    with changing(keystone, ctx) as change:
        row = change.session.get(ProjectTag, (project_id, tag))
        if row is None:
            raise NotKnown("project tag", tag)
        change.session.delete(row)
        _record(change, project_id)
