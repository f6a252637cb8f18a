"""Projects and domains: one tree, one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, delete, exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.common.listing import Part, Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, delegations, rows
from cairn.keystone.core.attributes import (
    merge_extra,
    merge_options,
    refuse_immutable,
    refuse_new_id,
)
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.domain_names import DEFAULT
from cairn.keystone.core.listing import fetch_page, filters, read_truth
from cairn.keystone.core.targets import describe_project
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

# By parameter, whether one of the tags will do, and whether it is the rest that is listed.
TAG_FILTERS = {"tags": (False, False), "tags-any": (True, False), "not-tags": (False, True),
               "not-tags-any": (True, True)}

COLUMNS = {"name": Project.name, "enabled": Project.enabled, "domain_id": Project.domain_id,
           "parent_id": Project.parent_id, "id": Project.id, "description": Project.description}
QUERY = filters(COLUMNS, "is_domain", *TAG_FILTERS)
DOMAIN_COLUMNS = {"name": Project.name, "enabled": Project.enabled, "id": Project.id}
DOMAIN_QUERY = filters(DOMAIN_COLUMNS)


@dataclass(frozen=True)
class ProjectRecord:
    """A project, or a domain, with its tags."""

    project: Project
    tags: Sequence[str] = ()

    @property
    def id(self) -> str:
        return self.project.id


def find(session: Session, project_id: str) -> Project:
    """A project, or a domain, by its id. Raises NotKnown."""
    return rows.get(session, Project, project_id)


def find_domain(session: Session, domain_id: str) -> Project:
    """A domain by its id. Raises NotKnown."""
    domain = session.get(Project, domain_id)
    if domain is None or not domain.is_domain:
        raise NotKnown("domain", domain_id)
    return domain


def authorize(keystone: Keystone, ctx: Context, policy: str, project_id: str) -> Project:
    """The project, if the caller may do that to it. Raises Forbidden, NotKnown."""
    with keystone.db.reading() as session:
        return _authorize(keystone, session, ctx, policy, project_id)


def _authorize(
    keystone: Keystone, session: Session, ctx: Context, policy: str, project_id: str
) -> Project:
    project = session.get(Project, project_id)
    keystone.policy.enforce(ctx, policy, describe_project(project))
    if project is None:
        raise NotKnown("project", project_id)
    return project


def read_default_domain(keystone: Keystone, ctx: Context, request: Document) -> str:
    """Id of where something goes that was not said: to the parent's domain, to the one the caller
    is scoped to, or to the default one."""
    if request.get("parent_id"):
        with keystone.db.reading() as session:
            parent = session.get(Project, request["parent_id"])
            if parent is not None:
                return parent.id if parent.is_domain else parent.domain_id
    return ctx.domain_id or DEFAULT


def read_records(session: Session, projects: Sequence[Project]) -> list[ProjectRecord]:
    """With their tags."""
    tags = tags_of(session, [project.id for project in projects])
    return [ProjectRecord(project, tags.get(project.id, [])) for project in projects]


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of projects (ProjectRecord); a domain's people see those of their domain. Raises
    Forbidden, Invalid, NotKnown."""
    domain = ctx.domain_id or read_value(query, "domain_id")
    keystone.policy.enforce(ctx, "identity:list_projects", {"target.domain_id": domain or ""})
    statement = select(Project).where(Project.is_domain.is_(read_truth(query, "is_domain")))
    if ctx.domain_id:
        statement = statement.where(Project.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        part = fetch_page(session, _filter_tagged(statement, query), query, COLUMNS, Project.id)
        return Part(read_records(session, part.rows), part.more)


def _filter_tagged(statement: Select[Any], query: Query) -> Select[Any]:
    """?tags= all of them, ?tags-any= one of them; with not- before, the rest."""
    def has(name: str) -> Any:
        return exists().where(ProjectTag.project_id == Project.id, ProjectTag.name == name)

    for key, (any_, negated) in TAG_FILTERS.items():
        for text in filter(None, query.getlist(key)):
            each = [has(name) for name in text.split(",")]
            condition = each[0]
            for more in each[1:]:
                condition = (condition | more) if any_ else and_(condition, more)
            statement = statement.where(~condition if negated else condition)
    return statement


def list_domains(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of domains (ProjectRecord); a domain's own people see no other domain's name. Raises
    Forbidden, Invalid, NotKnown."""
    keystone.policy.enforce(ctx, "identity:list_domains", {"target.domain.id": ctx.domain_id or ""})
    statement = select(Project).where(Project.is_domain)
    if ctx.domain_id:
        statement = statement.where(Project.id == ctx.domain_id)
    with keystone.db.reading() as session:
        part = fetch_page(session, statement, query, DOMAIN_COLUMNS, Project.id)
        return Part(read_records(session, part.rows), part.more)


def get_domain(keystone: Keystone, ctx: Context, domain_id: str) -> ProjectRecord:
    """A domain. Raises Forbidden, NotKnown."""
    with keystone.db.reading() as session:
        domain = session.get(Project, domain_id)
        keystone.policy.enforce(ctx, "identity:get_domain", {"target.domain.id": domain_id})
        if domain is None or not domain.is_domain:
            raise NotKnown("domain", domain_id)
        return read_records(session, [domain])[0]


def tags_of(session: Session, ids: list[str]) -> dict[str, list[str]]:
    """The tags of each of these projects that has any, in their order."""
    tags: dict[str, list[str]] = {}
    if ids:
        query = select(ProjectTag.project_id, ProjectTag.name).where(ProjectTag.project_id.in_(ids))
        for project_id, name in session.execute(query.order_by(ProjectTag.name)):
            tags.setdefault(project_id, []).append(name)
    return tags


def set_tags(session: Session, project_id: str, tags: list[str]) -> None:
    """Give a project these tags, and no others."""
    session.execute(delete(ProjectTag).where(ProjectTag.project_id == project_id))
    session.add_all(ProjectTag(project_id=project_id, name=name) for name in tags)


def create(keystone: Keystone, ctx: Context, request: Document) -> ProjectRecord:
    """A project. Raises Forbidden, Invalid, Refused, Taken."""
    if not request.get("is_domain"):
        request = {**request, "domain_id": request.get("domain_id")
                   or read_default_domain(keystone, ctx, request)}
    keystone.policy.enforce(ctx, "identity:create_project", {
        "target.project.domain_id": request.get("domain_id"),
    })
    return _create(keystone, ctx, request)


def create_domain(keystone: Keystone, ctx: Context, request: Document) -> ProjectRecord:
    """Make a domain. Raises Invalid, Taken."""
    return _create(keystone, ctx, {**request, "is_domain": True})


def _create(keystone: Keystone, ctx: Context, request: Document) -> ProjectRecord:
    """A project; with is_domain, a domain."""
    name, domain_id = request["name"], request.get("domain_id") or ROOT
    is_domain = request.get("is_domain", False)
    kind = "domain" if is_domain else "project"
    taken = f"name {name}" + ("" if is_domain else f" at domain ID {domain_id}")
    with changing(keystone, ctx, kind, taken) as change:
        project = Project(
            name=name.strip(), domain_id=domain_id, is_domain=is_domain,
            description=request.get("description", ""), enabled=request.get("enabled", True),
            options=_options({}, request.get("options", {})),
            extra=merge_extra({}, request, OWN),
        )
        if request.get("explicit_domain_id"):
            project.id = request["explicit_domain_id"]
        if is_domain:
            if domain_id != ROOT or request.get("parent_id"):
                raise Invalid(reason="Invalid input for field/attribute domain_id. A project that "
                                     "acts as a domain has neither a domain nor a parent.")
        else:
            model = keystone.unified_limit.enforcement_model
            depth = STRICT_DEPTH if model == "strict_two_level" else DEPTH
            _place(change.session, project, request.get("parent_id"), depth)
        change.session.add(project)
        change.session.flush()
        tags = request.get("tags", [])
        set_tags(change.session, project.id, tags)
        _record(change, "created", project)
    return ProjectRecord(project, sorted(tags))


def _record(change: Change, verb: str, project: Project) -> None:
    """A domain is told of as both, as upstream has it."""
    change.record("project", verb, project.id, project_id=project.id)
    if project.is_domain:
        change.record("domain", verb, project.id, project_id=project.id)


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
    ancestors: list[Project] = []
    while project.parent_id is not None and project.parent_id != project.domain_id:
        above = session.get(Project, project.parent_id)
        assert above is not None  # A foreign key holds this.
        ancestors.append(above)
        project = above
    return ancestors


def update(keystone: Keystone, ctx: Context, project_id: str, request: Document) -> ProjectRecord:
    """Change a project, or a domain as a project. Raises Forbidden, NotKnown, Immutable, Invalid,
    Refused, Taken."""
    authorize(keystone, ctx, "identity:update_project", project_id)
    with changing(keystone, ctx, "project", f"name {request.get('name')}") as change:
        project = rows.lock(change.session, Project, project_id)
        refuse_immutable(project.options, "project", project_id, request)
        refuse_new_id(request, project_id)
        for fixed in ("domain_id", "parent_id", "is_domain"):
            now: Any = getattr(project, fixed)
            if fixed in request and (request[fixed] or ROOT) != (now or ROOT):
                if fixed == "parent_id":
                    raise Refused(reason="Update of parent_id is not allowed.")
                raise Invalid(reason=f"Invalid input for field/attribute {fixed}. It cannot be "
                                     "changed.")
        return _write(change, project, request)


def update_domain(
    keystone: Keystone, ctx: Context, domain_id: str, request: Document
) -> ProjectRecord:
    """Change a domain. Raises Forbidden, Immutable, Taken; NotKnown to everybody, as upstream has
    it."""
    with keystone.db.reading() as session:
        find_domain(session, domain_id)
    keystone.policy.enforce(ctx, "identity:update_domain")
    with changing(keystone, ctx, "domain", f"name {request.get('name')}") as change:
        find_domain(change.session, domain_id)
        domain = rows.lock(change.session, Project, domain_id)
        refuse_immutable(domain.options, "domain", domain_id, request)
        return _write(change, domain, request)


def _write(change: Change, project: Project, request: Document) -> ProjectRecord:
    session = change.session
    if "enabled" in request and request["enabled"] != project.enabled:
        _enable(change, project, request["enabled"])
    if "name" in request:
        project.name = request["name"].strip()
    if "description" in request:
        project.description = request["description"]
    if "options" in request:
        project.options = _options(project.options, request["options"])
    if "tags" in request:
        set_tags(session, project.id, request["tags"])
    project.extra = merge_extra(project.extra, request, OWN)
    session.flush()
    _record(change, "updated", project)
    return read_records(session, [project])[0]


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
    """End the tokens of a project; of a domain, those of its users and projects as well, and what
    was lent by its users' trusts."""
    change.revoke(project_id=project.id)
    if project.is_domain:
        change.revoke(domain_id=project.id)
        # What its users lent to those of other domains.
        mine = select(User.id).where(User.domain_id == project.id)
        delegations.end_trusts(change, Trust.trustor_user_id.in_(mine))


def delete_project(keystone: Keystone, ctx: Context, project_id: str) -> None:
    """Delete a project that has none below it; a domain as delete_domain does. Raises Forbidden,
    NotKnown, Immutable, NotALeaf."""
    authorize(keystone, ctx, "identity:delete_project", project_id)
    with changing(keystone, ctx) as change:
        project = find(change.session, project_id)
        if project.is_domain:
            return _delete_domain(change, project)
        refuse_immutable(project.options, "project", project_id)
        if change.session.scalar(select(exists().where(Project.parent_id == project_id))):
            raise NotALeaf(id=project_id)
        _remove(change, project)
    return None


def delete_domain(keystone: Keystone, ctx: Context, domain_id: str) -> None:
    """The domain, once disabled, with everything in it. Raises NotKnown, Immutable,
    StillEnabled."""
    with changing(keystone, ctx) as change:
        _delete_domain(change, find_domain(change.session, domain_id))


def _delete_domain(change: Change, domain: Project) -> None:
    session = change.session
    refuse_immutable(domain.options, "domain", domain.id)
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
            change.record(kind.__name__.lower(), "deleted", actor_id)
        session.execute(delete(kind).where(kind.domain_id == domain.id))
    session.execute(delete(Role).where(Role.domain_id == domain.id))
    change.touch(ROLES)
    _remove(change, domain)


def _remove(change: Change, project: Project) -> None:
    end_tokens(change, project)
    assignments.forget(change.session, target_id=project.id)
    change.session.execute(delete(Credential).where(Credential.project_id == project.id))
    change.session.delete(project)
    _record(change, "deleted", project)


def _options(now: Document, request: Document) -> Document:
    return merge_options(now, request, {"immutable": bool})
