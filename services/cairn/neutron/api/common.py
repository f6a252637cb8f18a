"""What all collections share: what a body means, whose it is, what the caller may see."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from cairn.common.api import Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import Kind, find, guard, target, unscoped
from cairn.neutron.core.listing import Listing, page
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

View = Callable[[Any], Document]
# Views of many rows, with what they need of other tables asked for once.
Views = Callable[[Session, Iterable[Any]], list[Document]]
About = Callable[[Any], Mapping[str, Any]]

BOOLEANS = {
    "admin_state_up", "shared", "router:external", "is_default", "port_security_enabled",
    "enable_dhcp", "use_default_subnetpool", "stateful", "enable_snat", "dns_publish_fixed_ip",
}
INTEGERS = {
    "mtu", "provider:segmentation_id", "ip_version", "prefixlen", "default_prefixlen",
    "min_prefixlen", "max_prefixlen", "default_quota",
}
TRUE = (True, "true", "True", 1, "1")
# Saying what is so anyway needs no right to say otherwise.
DEFAULTS: dict[str, Any] = {
    "shared": False, "router:external": False, "is_default": False, "port_security_enabled": True,
    "provider:network_type": None, "provider:physical_network": None,
    "provider:segmentation_id": None, "binding:host_id": "", "binding:vnic_type": "normal",
    "device_owner": "", "distributed": False, "ha": False, "external_gateway_info": None,
}
# Attributes whose values rules look at.
TELLING = ("device_owner", "shared", "router:external")
EMPTY: tuple[Any, ...] = (None, [], {}, "")
PAGING = ("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir")
TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")


def normal(item: Mapping[str, Any]) -> dict[str, Any]:
    """A body's attributes as what they mean: "1400" is 1400, "true" is true, tenant_id is
    project_id."""
    result = dict(item)
    for name, value in item.items():
        if name in BOOLEANS:
            result[name] = value in TRUE
        elif name in INTEGERS:
            result[name] = None if value in (None, "") else int(value)
        elif isinstance(value, dict):
            result[name] = normal(value)
    tenant = result.pop("tenant_id", None)
    if tenant and result.get("project_id", tenant) != tenant:
        raise Invalid(reason="'project_id' and 'tenant_id' do not match")
    if tenant:
        result["project_id"] = tenant
    return result


def owned(ctx: Context, item: Mapping[str, Any]) -> dict[str, Any]:
    """A new thing as wanted, with the project that it will belong to. Raises Invalid where that is
    another than the caller's: only administrators and the cloud's services make things for others,
    whatever a policy says of the thing itself."""
    result = normal(item)
    result["project_id"] = result.get("project_id") or ctx.project
    if result["project_id"] != ctx.project and not unscoped(ctx):
        raise Invalid(reason="Specifying 'project_id' or 'tenant_id' other than the authenticated "
                             "project in request requires admin privileges")
    if not result["project_id"]:
        raise Invalid(reason="project_id is required: the token is not scoped to a project")
    return result


def may_create(
    neutron: Neutron, ctx: Context, kind: Kind, item: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Raises Forbidden, also for a single attribute."""
    given = {
        name: value for name, value in item.items()
        if value not in EMPTY and value != DEFAULTS.get(name, _NOTHING)
    }
    facts = {"project_id": item["project_id"], "tenant_id": item["project_id"]}
    facts |= {name: item[name] for name in TELLING if name in item}
    guard(neutron.policy, ctx, f"create_{kind.name}", given, {**facts, **(about or {})})


_NOTHING = object()


def create(
    neutron: Neutron, ctx: Context, kind: Kind, body: Document,
    make: Callable[[Write, dict[str, Any]], Any], views: Views, about: About = target,
    together: Callable[[list[dict[str, Any]]], None] = lambda items: None,
) -> Document:
    """One thing or several, all of them or none. `make` returns the new row; `together` raises
    where several do not go together."""
    bulk = kind.many in body
    given = [item.get(kind.name, item) for item in body[kind.many]] if bulk else [body[kind.name]]
    items = [owned(ctx, item) for item in given]

    def work(w: Write) -> list[Document]:
        if bulk:
            together(items)
        rows = [make(w, item) for item in items]
        return trimmed(neutron, ctx, kind, rows, views(w.session, rows), about)

    documents = write(neutron, ctx, work)
    return {kind.many: documents} if bulk else {kind.name: documents[0]}


def change(
    neutron: Neutron, ctx: Context, kind: Kind, id: str, body: Document,
    alter: Callable[[Write, Any, dict[str, Any]], None], views: Views, about: About = target,
) -> Document:
    """`alter` what the caller may. Another's thing that the caller cannot even see is 404."""
    wanted = normal(body[kind.name])

    def work(w: Write) -> Document:
        row = find(w.session, ctx, kind, id)
        told = {name: wanted[name] for name in TELLING if name in wanted}
        guard(neutron.policy, ctx, f"update_{kind.name}", wanted, {**about(row), **told})
        alter(w, row, wanted)
        after = find(w.session, ctx, kind, id)
        return trimmed(neutron, ctx, kind, [after], views(w.session, [after]), about)[0]

    return {kind.name: write(neutron, ctx, work)}


def remove(
    neutron: Neutron, ctx: Context, kind: Kind, id: str, drop: Callable[[Write, Any], None],
    about: About = target,
) -> None:
    def work(w: Write) -> None:
        row = find(w.session, ctx, kind, id)
        neutron.policy.enforce(ctx, f"delete_{kind.name}", about(row))
        drop(w, row)

    write(neutron, ctx, work)


def show(
    neutron: Neutron, ctx: Context, kind: Kind, id: str, views: Views, query: Any,
    about: About = target,
) -> Document:
    with neutron.db.reading() as session:
        row = find(session, ctx, kind, id)
        if not neutron.policy.allows(ctx, f"get_{kind.name}", about(row)):
            raise kind.missing(id)
        document = trimmed(neutron, ctx, kind, [row], views(session, [row]), about)[0]
    return {kind.name: chosen(document, query.getlist("fields"))}


def index(
    neutron: Neutron, ctx: Context, kind: Kind, views: Views, query: Any, request: Any,
    about: About = target,
) -> Document:
    wanted = listing(kind, query)
    with neutron.db.reading() as session:
        rows = page(session, ctx, kind, wanted)
        documents = trimmed(neutron, ctx, kind, rows, views(session, rows), about)
    links = _links(wanted, documents, query, request)
    if fields := query.getlist("fields"):
        documents = [chosen(document, fields) for document in documents]
    body: Document = {kind.many: documents}
    if links:
        body[f"{kind.many}_links"] = links
    return body


def chosen(document: Document, fields: list[str]) -> Document:
    if not fields:
        return document
    return {name: document[name] for name in fields if name in document}


_GUARDED: dict[str, list[str]] = {}
for _rule in RULES:
    if _rule.startswith("get_") and ":" in _rule:
        _name, _, _attribute = _rule.removeprefix("get_").partition(":")
        _GUARDED.setdefault(_name, []).append(_attribute)


def trimmed(
    neutron: Neutron, ctx: Context, kind: Kind, rows: Iterable[Any], documents: list[Document],
    about: About,
) -> list[Document]:
    """The documents without the attributes that are not for this caller."""
    guarded = _GUARDED.get(kind.name)
    if not guarded:
        return documents
    hidden: dict[tuple[Any, ...], list[str]] = {}
    for row, document in zip(rows, documents, strict=True):
        facts = about(row)
        key = tuple(facts.values())
        if key not in hidden:
            hidden[key] = [
                name for name in guarded
                if not neutron.policy.allows(ctx, f"get_{kind.name}:{name}", facts)
            ]
        for name in hidden[key]:
            document.pop(name, None)
    return documents


def listing(kind: Kind, query: Any) -> Listing:
    """What a query string asks for. Raises Invalid, naming what it does not know."""
    known = kind.columns
    wanted = Listing()
    unknown = []
    for name, values in query.lists():
        if name in PAGING:
            continue
        if name in TAG_FILTERS:
            wanted.tags[name] = [tag for value in values for tag in value.split(",")]
        elif name in known or name in kind.filters:
            wanted.filters[name] = values
        else:
            unknown.append(name)
    if unknown:
        raise Invalid(reason=f"{sorted(unknown)} is invalid attribute for filtering")
    wanted.limit = _limit(query.get("limit"))
    wanted.marker = query.get("marker")
    wanted.reverse = str(query.get("page_reverse", "")).lower() in ("true", "1")
    keys, directions = query.getlist("sort_key"), query.getlist("sort_dir")
    if len(directions) > len(keys):
        raise Invalid(reason="The number of sort_keys and sort_dirs must be same")
    for position, name in enumerate(keys):
        direction = directions[position] if position < len(directions) else "asc"
        if direction not in ("asc", "desc"):
            raise Invalid(reason=f"sort_dir must be asc or desc and not '{direction}'")
        if name not in known:
            raise errors.SortKeyNotFound(key=name)
        wanted.sort.append((name, direction))
    return wanted


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Invalid(reason=f"Limit must be an integer 0 or greater and not '{text}'")
    return int(text) or None


def _links(
    wanted: Listing, documents: list[Document], query: Any, request: Any
) -> list[Document]:
    if not wanted.limit or not documents:
        return []
    plain = [(n, v) for n, v in query.items(multi=True) if n not in ("marker", "page_reverse")]

    def link(rel: str, **more: str) -> Document:
        return {"rel": rel, "href": f"{request.base_url}?{urlencode([*plain, *more.items()])}"}

    links = []
    full = len(documents) == wanted.limit
    if full or wanted.reverse:
        links.append(link("next", marker=documents[-1]["id"]))
    if wanted.marker and (full or not wanted.reverse):
        links.append(link("previous", marker=documents[0]["id"], page_reverse="True"))
    return links


def moment(when: Any) -> str | None:
    return f"{when:%Y-%m-%dT%H:%M:%S}Z" if when is not None else None


def standard(row: Any) -> Document:
    """What the views of all resources have."""
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "project_id": row.project_id, "tenant_id": row.project_id, "tags": row.tags,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at or row.created_at),
        "revision_number": row.revision,
    }


def each(view: View) -> Views:
    """Views that need nothing but their row."""
    return lambda session, rows: [view(row) for row in rows]


def created(document: Document) -> Reply:
    return Reply(document, 201)
