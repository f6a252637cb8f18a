"""Projects and domains: one tree, one table."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, delegations
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.db.models import (
    ROOT,
    Credential,
    Group,
    Project,
    ProjectTag,
    Role,
    Trust,
    User,
)
from cairn.keystone.errors import (
    Immutable,
    NotALeaf,
    NotKnown,
    ParentDisabled,
    StillEnabled,
    SubtreeEnabled,
)
from cairn.keystone.providers.directory import ROLES

OWN = {"name", "description", "enabled", "options", "tags", "domain_id", "parent_id", "is_domain",
       "id", "links", "explicit_domain_id"}
# How deep projects nest; with strict_two_level limits less, for the model to hold.
DEPTH, STRICT_DEPTH = 5, 2


def get(session: Session, project_id: str) -> Project | None:
    return session.get(Project, project_id)


def find(session: Session, project_id: str) -> Project:
    found = session.get(Project, project_id)
    if found is None:
        raise NotKnown("project", project_id)
    return found


def find_domain(session: Session, domain_id: str) -> Project:
    found = session.get(Project, domain_id)
    if found is None or not found.is_domain:
        raise NotKnown("domain", domain_id)
    return found


def tags_of(session: Session, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if ids:
        query = select(ProjectTag.project_id, ProjectTag.name).where(ProjectTag.project_id.in_(ids))
        for project_id, name in session.execute(query.order_by(ProjectTag.name)):
            found.setdefault(project_id, []).append(name)
    return found


def set_tags(session: Session, project_id: str, tags: list[str]) -> None:
    session.execute(delete(ProjectTag).where(ProjectTag.project_id == project_id))
    session.add_all(ProjectTag(project_id=project_id, name=name) for name in tags)


def create(keystone: Keystone, ctx: Context, wanted: Document) -> Project:
    """A project; with is_domain, a domain."""
    name, domain_id = wanted["name"], wanted.get("domain_id") or ROOT
    is_domain = wanted.get("is_domain", False)
    kind = "domain" if is_domain else "project"
    taken = f"name {name}" + ("" if is_domain else f" at domain ID {domain_id}")
    with changing(keystone, ctx, kind, taken) as change:
        project = Project(
            name=name.strip(), domain_id=domain_id, is_domain=is_domain,
            description=wanted.get("description", ""), enabled=wanted.get("enabled", True),
            options=_options({}, wanted.get("options", {})),
            extra={k: v for k, v in wanted.items() if k not in OWN},
        )
        if wanted.get("explicit_domain_id"):
            project.id = wanted["explicit_domain_id"]
        if is_domain:
            if domain_id != ROOT or wanted.get("parent_id"):
                raise Invalid(reason="Invalid input for field/attribute domain_id. A project that "
                                     "acts as a domain has neither a domain nor a parent.")
        else:
            model = keystone.unified_limit.enforcement_model
            depth = STRICT_DEPTH if model == "strict_two_level" else DEPTH
            _place(change.session, project, wanted.get("parent_id"), depth)
        change.session.add(project)
        change.session.flush()
        set_tags(change.session, project.id, wanted.get("tags", []))
    return project


def _place(session: Session, project: Project, parent_id: str | None, depth: int) -> None:
    domain = session.get(Project, project.domain_id)
    if domain is None or not domain.is_domain:
        raise Invalid(reason=f"Invalid input for field/attribute domain_id. Could not find domain: "
                             f"{project.domain_id}.")
    parent = session.get(Project, parent_id or project.domain_id)
    if parent is None:
        raise Invalid(reason="Invalid input for field/attribute parent_id. Could not find project: "
                             f"{parent_id}.")
    if project.domain_id not in (parent.id if parent.is_domain else parent.domain_id, parent.id):
        raise Invalid(reason="Invalid input for field/attribute parent_id. The parent is of "
                             "another domain.")
    if not parent.enabled:
        raise Invalid(reason=f"cannot create a project in a branch containing a disabled project: "
                             f"{parent.id}")
    if len(parents(session, parent)) + 1 + (not parent.is_domain) > depth:
        raise Refused(reason=f"Max hierarchy depth reached for {parent.id} branch: projects nest "
                             f"at most {depth} deep.")
    project.parent_id = parent.id


def parents(session: Session, project: Project) -> list[Project]:
    """The projects above, nearest first, without the domain."""
    found: list[Project] = []
    while project.parent_id is not None and project.parent_id != project.domain_id:
        above = session.get(Project, project.parent_id)
        assert above is not None  # A foreign key holds this.
        found.append(above)
        project = above
    return found


def update(
    keystone: Keystone, ctx: Context, project_id: str, wanted: Document, *, domain: bool = False
) -> Project:
    kind = "domain" if domain else "project"
    with changing(keystone, ctx, kind, f"name {wanted.get('name')}") as change:
        session = change.session
        project = find_domain(session, project_id) if domain else find(session, project_id)
        _refuse_immutable(project, kind, wanted)
        if not domain:
            refuse_new_id(wanted, project_id)
        for fixed in ("domain_id", "parent_id", "is_domain"):
            now: Any = getattr(project, fixed)
            if fixed in wanted and not domain and (wanted[fixed] or ROOT) != (now or ROOT):
                if fixed == "parent_id":
                    raise Refused(reason="Update of parent_id is not allowed.")
                raise Invalid(reason=f"Invalid input for field/attribute {fixed}. It cannot be "
                                     "changed.")
        if "enabled" in wanted and wanted["enabled"] != project.enabled:
            _enable(change, project, wanted["enabled"])
        if "name" in wanted:
            project.name = wanted["name"].strip()
        if "description" in wanted:
            project.description = wanted["description"]
        if "options" in wanted:
            project.options = _options(project.options, wanted["options"])
        if "tags" in wanted:
            set_tags(session, project_id, wanted["tags"])
        project.extra = merged(project.extra, wanted, OWN)
    return project


def _enable(change: Change, project: Project, enabled: bool) -> None:
    session = change.session
    if enabled:
        if any(not above.enabled for above in parents(session, project)):
            raise ParentDisabled(id=project.id)
    elif not project.is_domain:
        under = assignments.below(session, "project", project.id)
        if session.scalar(select(exists().where(Project.id.in_(under), Project.enabled))):
            raise SubtreeEnabled(id=project.id)
    project.enabled = enabled
    if not enabled:
        end_tokens(change, project)


def end_tokens(change: Change, project: Project) -> None:
    change.revoke(project_id=project.id)
    if project.is_domain:
        change.revoke(domain_id=project.id)
        # What its users lent to those of other domains.
        mine = select(User.id).where(User.domain_id == project.id)
        delegations.end_trusts(change, Trust.trustor_user_id.in_(mine))


def delete_project(keystone: Keystone, ctx: Context, project_id: str) -> None:
    with changing(keystone, ctx) as change:
        project = find(change.session, project_id)
        if project.is_domain:
            return _delete_domain(change, project)
        _refuse_immutable(project, "project")
        if change.session.scalar(select(exists().where(Project.parent_id == project_id))):
            raise NotALeaf(id=project_id)
        _remove(change, project)
    return None


def delete_domain(keystone: Keystone, ctx: Context, domain_id: str) -> None:
    """The domain, once disabled, with everything in it."""
    with changing(keystone, ctx) as change:
        _delete_domain(change, find_domain(change.session, domain_id))


def _delete_domain(change: Change, domain: Project) -> None:
    session = change.session
    _refuse_immutable(domain, "domain")
    if domain.enabled:
        raise StillEnabled(id=domain.id)
    mine = list(session.scalars(select(Project).where(Project.domain_id == domain.id)))
    # Leaves first: a parent is held by its children.
    for project in sorted(mine, key=lambda p: -len(parents(session, p))):
        _remove(change, project)
        session.flush()
    for kind in (User, Group):
        for actor_id in list(session.scalars(select(kind.id).where(kind.domain_id == domain.id))):
            # The tokens of its users end with the domain's; what they delegated, here.
            delegations.end_tokens_of(change, actor_id)
            assignments.forget(session, actor_id=actor_id)
        session.execute(delete(kind).where(kind.domain_id == domain.id))
    session.execute(delete(Role).where(Role.domain_id == domain.id))
    change.touch(ROLES)
    _remove(change, domain)


def _remove(change: Change, project: Project) -> None:
    end_tokens(change, project)
    assignments.forget(change.session, target_id=project.id)
    change.session.execute(delete(Credential).where(Credential.project_id == project.id))
    change.session.delete(project)


def _refuse_immutable(row: Project, kind: str, wanted: Document | None = None) -> None:
    refuse_immutable(row.options, kind, row.id, wanted)


def refuse_immutable(
    options: Document, kind: str, id_: str, wanted: Document | None = None
) -> None:
    """Raises Immutable, unless the change is what makes it mutable again, and nothing else."""
    freed = (
        wanted is not None and set(wanted) == {"options"}
        and wanted["options"].get("immutable", True) in (False, None)
    )
    if options.get("immutable") and not freed:
        raise Immutable(kind=kind, id=id_)


def _options(now: Document, wanted: Document) -> Document:
    return options(now, wanted, {"immutable": bool})


def options(now: Document, wanted: Document, known: Mapping[str, type]) -> Document:
    """Options after a change: null takes one away. Raises Invalid for one nobody knows."""
    found = dict(now)
    for name, value in wanted.items():
        if name not in known or not (value is None or isinstance(value, known[name])):
            raise Invalid(reason=f"Invalid input for field/attribute options.{name}. "
                                 f"{value!r} is not valid; there are: {', '.join(known)}")
        found[name] = value
        if value is None:
            del found[name]
    return found


def refuse_new_id(wanted: Document, id_: str) -> None:
    """Raises Invalid for a change of what never changes."""
    if wanted.get("id", id_) != id_:
        raise Invalid(reason="Invalid input for field/attribute id. Cannot change ID")


def merged(extra: Document, wanted: Document, own: set[str]) -> Document:
    """The attributes of the user's own after a change."""
    return {**extra, **{k: v for k, v in wanted.items() if k not in own}}
