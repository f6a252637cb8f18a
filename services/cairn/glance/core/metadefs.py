"""What it means to see, make, change and remove metadata definitions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Conflict, Forbidden
from cairn.common.policy import ENFORCED, Policy
from cairn.glance.db.metadefs import (
    Association,
    Definition,
    Namespace,
    ObjectDefinition,
    PropertyDefinition,
    ResourceType,
    TagDefinition,
)
from cairn.glance.errors import DefinitionNotFound, ProtectedDefinition

D = TypeVar("D", bound=Definition)
# How clients call what a namespace has.
WORDS: dict[type[Definition], str] = {
    ObjectDefinition: "object", PropertyDefinition: "property", TagDefinition: "tag"}
# Resource types that a cloud has, whether a namespace goes on them yet or not.
KNOWN = ("OS::Cinder::Volume", "OS::Glance::Image", "OS::Nova::Aggregate", "OS::Nova::Flavor",
         "OS::Nova::Server")


def visible(ctx: Context) -> Any:
    """What narrows a query to the namespaces a caller may see."""
    if ctx.is_admin:
        return True
    return or_(Namespace.owner == ctx.project, Namespace.visibility == "public")


def namespaces(ctx: Context, visibility: str | None, resource_types: str | None) -> Select[Any]:
    """Those a list shows: of that visibility, on any of those resource types."""
    query = select(Namespace).where(visible(ctx))
    if visibility:
        query = query.where(Namespace.visibility == visibility)
    if resource_types:
        on = select(Association.namespace_id).join(
            ResourceType, ResourceType.id == Association.resource_type_id
        ).where(ResourceType.name.in_(resource_types.split(",")))
        query = query.where(Namespace.id.in_(on))
    return query


def allowed(policy: Policy, ctx: Context, rule: str, namespace: Namespace) -> bool:
    """Whether `rule` lets the caller do that to the namespace, as `enforce` asks."""
    return policy.allows(
        ctx, rule, {"project_id": namespace.owner, "visibility": namespace.visibility})


def enforce(policy: Policy, ctx: Context, rule: str, namespace: Namespace) -> None:
    """Hold the caller against `rule`. Who may not see the namespace is told there is none."""
    ENFORCED.names.append(rule)
    if allowed(policy, ctx, rule, namespace):
        return
    if (rule == "get_metadef_namespace"
            or not allowed(policy, ctx, "get_metadef_namespace", namespace)):
        raise DefinitionNotFound("namespace", namespace.namespace)
    raise Forbidden(rule=rule)


def find_namespace(
    policy: Policy, session: Session, ctx: Context, name: str, *rules: str, lock: bool = False
) -> Namespace:
    """The namespace, if the caller may see it and do to it what the rules are about. `lock` keeps
    others from changing it, and what is in it."""
    query = select(Namespace).where(Namespace.namespace == name, visible(ctx))
    namespace = session.scalar(query.with_for_update() if lock else query)
    if namespace is None:
        raise DefinitionNotFound("namespace", name)
    for rule in rules:
        enforce(policy, ctx, rule, namespace)
    return namespace


def unprotected(namespace: Namespace, what: str) -> None:
    """Raises ProtectedDefinition, of a `what`, where the namespace is protected."""
    if namespace.protected:
        raise ProtectedDefinition(what=what, namespace=namespace.namespace)


def find(session: Session, kind: type[D], namespace: Namespace, name: str) -> D:
    """What of that kind the namespace has under the name. Raises DefinitionNotFound."""
    definition = session.scalar(
        select(kind).where(kind.namespace_id == namespace.id, kind.name == name))
    if definition is None:
        raise DefinitionNotFound(WORDS[kind], f"{name} in namespace {namespace.namespace}")
    return definition


def contents(session: Session, kind: type[D], namespace: Namespace) -> Sequence[D]:
    """Everything of that kind in a namespace, the oldest first."""
    return session.scalars(
        select(kind).where(kind.namespace_id == namespace.id).order_by(kind.id)).all()


def clear(session: Session, kind: type[Definition], namespace: Namespace) -> None:
    """Remove everything of that kind from the namespace."""
    session.execute(delete(kind).where(kind.namespace_id == namespace.id))


def add(session: Session, record: Any, name: str, what: str) -> None:
    """Write a record, or what was changed of one. Raises Conflict where the name is taken."""
    session.add(record)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(reason=f"A metadata definition {what} with name={name} already "
                              "exists.") from None


def associate(session: Session, namespace: Namespace, fields: Mapping[str, Any]) -> Association:
    """Say that the namespace goes on a resource type, which is made where it is new."""
    name = fields["name"]
    kind = session.scalar(select(ResourceType).where(ResourceType.name == name))
    if kind is None:
        kind = ResourceType(name=name)
        session.add(kind)
        session.flush()
    if session.get(Association, (namespace.id, kind.id)) is not None:
        raise Conflict(reason=f"Namespace {namespace.namespace} already has the resource type "
                              f"{name}.")
    made = Association(
        namespace_id=namespace.id, resource_type_id=kind.id, prefix=fields.get("prefix"),
        properties_target=fields.get("properties_target"))
    session.add(made)
    session.flush()
    return made


def associations(
    session: Session, namespaces: Iterable[Namespace]
) -> dict[int, list[tuple[str, Association]]]:
    """Names of resource types and what is known of them there, by the namespace's number."""
    ids = [namespace.id for namespace in namespaces]
    by_namespace: dict[int, list[tuple[str, Association]]] = {id_: [] for id_ in ids}
    if ids:
        query = select(ResourceType.name, Association).join(
            Association, Association.resource_type_id == ResourceType.id
        ).where(Association.namespace_id.in_(ids)).order_by(ResourceType.name)
        for name, association in session.execute(query):
            by_namespace[association.namespace_id].append((name, association))
    return by_namespace


def create(session: Session, body: Mapping[str, Any], owner: str) -> Namespace:
    """A namespace with all that the document says is in it."""
    namespace = Namespace(
        namespace=body["namespace"], display_name=body.get("display_name"),
        description=body.get("description"), visibility=body.get("visibility") or "private",
        protected=bool(body.get("protected")), owner=body.get("owner") or owner)
    add(session, namespace, namespace.namespace, "namespace")
    fill(session, namespace, body)
    return namespace


def fill(session: Session, namespace: Namespace, body: Mapping[str, Any]) -> None:
    """Write what a namespace's document has inside: associations, properties, objects and tags.
    Raises Conflict where a name is there twice."""
    for fields in body.get("resource_type_associations") or ():
        associate(session, namespace, fields)
    for name, schema in (body.get("properties") or {}).items():
        add(session, PropertyDefinition(
            namespace_id=namespace.id, name=name, json_schema=dict(schema)), name, "property")
    for fields in body.get("objects") or ():
        add(session, ObjectDefinition(
            namespace_id=namespace.id, name=fields["name"], description=fields.get("description"),
            required=fields.get("required") or [], properties=fields.get("properties") or {},
        ), fields["name"], "object")
    for fields in body.get("tags") or ():
        add(session, TagDefinition(namespace_id=namespace.id, name=fields["name"]),
            fields["name"], "tag")


def prefixed(
    body: dict[str, Any], associations: Iterable[tuple[str, Association]], resource_type: str
) -> None:
    """Put the resource type's prefix before the keys of a namespace's document."""
    prefix = next((a.prefix for name, a in associations if name == resource_type), None)
    if not prefix:
        return
    for group in [body, *body.get("objects", ())]:
        if group.get("properties"):
            group["properties"] = {prefix + k: v for k, v in group["properties"].items()}
        if group.get("required"):
            group["required"] = [prefix + name for name in group["required"]]


def unprefixed(name: str, prefix: str | None) -> str:
    """The key's own name. Raises where it lacks the prefix."""
    if not prefix or not name.startswith(prefix):
        raise DefinitionNotFound("property", f"{name} without the prefix '{prefix}'")
    return name.removeprefix(prefix)
