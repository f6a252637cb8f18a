"""/os-security-groups and /os-security-group-rules: Neutron's, in the words of 2.1 to 2.35."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound, Problem, Refused
from cairn.common.listing import read_value
from cairn.nova.api.schemas import NUMBER, TEXT, Query, closed, query, read_limit, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import network, servers
from cairn.nova.core.values import check_uuid
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.35"
NEUTRONS = "the groups are Neutron's, which records it"
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}


def _ask(
    nova: Nova, ctx: Context, method: str, path: str, json: Document | None = None
) -> Document:
    return nova.cloud.network.forward(ctx, method, path, json)


def view(group: Document, names: dict[str, Document]) -> Document:
    return {
        "id": group["id"], "name": group["name"], "description": group.get("description") or "",
        "tenant_id": group.get("tenant_id") or group.get("project_id"),
        "rules": [rule(r, names) for r in group.get("security_group_rules") or ()
                  if r["direction"] == "ingress"],
    }


def rule(own: Document, names: dict[str, Document]) -> Document:
    shown: Document = {
        "id": own["id"], "parent_group_id": own["security_group_id"],
        "ip_protocol": own.get("protocol"), "from_port": own.get("port_range_min"),
        "to_port": own.get("port_range_max"), "group": {}, "ip_range": {},
    }
    remote = own.get("remote_group_id")
    if remote:
        other = names.get(remote, {})
        shown["group"] = {"name": other.get("name", remote),
                          "tenant_id": other.get("tenant_id") or own.get("tenant_id") or ""}
    else:
        prefix = own.get("remote_ip_prefix")
        shown["ip_range"] = {"cidr": prefix or (
            "::/0" if own.get("ethertype") == "IPv6" else "0.0.0.0/0")}
    if shown["ip_protocol"] and shown["from_port"] is None:
        # Before Neutron, "all of it" was written in numbers.
        low, high = (-1, -1) if shown["ip_protocol"].startswith("icmp") else (1, 65535)
        shown |= {"from_port": low, "to_port": high}
    return shown


def _groups(nova: Nova, ctx: Context, *, every: bool = False) -> list[Document]:
    """The project's; with `every` all that the caller may see in Neutron."""
    mine = "" if every else f"?tenant_id={ctx.project}"
    return _ask(nova, ctx, "GET", f"/security-groups{mine}")["security_groups"]  # type: ignore[no-any-return]


def _of_server(nova: Nova, ctx: Context, server_id: str) -> list[Document]:
    """The groups of the server's ports."""
    ids = {g for port in network.ports_of(nova, ctx, server_id)
           for g in port.get("security_groups") or ()}
    if not ids:
        return []
    groups = nova.cloud.network.list_security_groups(ctx, id=sorted(ids))
    names = {group["id"]: group for group in groups}
    return [view(group, names) for group in groups]


@api.get("/servers/<server_id>/os-security-groups", policy="os_compute_api:os-security-groups:list")
def index_of_server(nova: Nova, ctx: Context, server_id: str) -> Document:
    """List the security groups of a server's ports, as Neutron has them now."""
    row = servers.get(nova, ctx, server_id)
    return {"security_groups": _of_server(nova, ctx, row.id)}


@api.get("/os-security-groups", policy="os_compute_api:os-security-groups:get", until=LAST,
         query=query(limit=NUMBER, offset=NUMBER, all_tenants=TEXT))
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List the project's security groups, which are Neutron's; admins may list everybody's."""
    groups = _groups(nova, ctx, every=ctx.is_admin and "all_tenants" in query)
    names = {g["id"]: g for g in groups}
    shown = sorted((view(group, names) for group in groups),
                   key=lambda group: (group["tenant_id"] or "", group["name"]))
    first = int(read_value(query, "offset") or 0)
    return {"security_groups": shown[first:first + read_limit(nova, query)]}


@api.get("/os-security-groups/<group_id>", policy="os_compute_api:os-security-groups:show",
         until=LAST)
def show(nova: Nova, ctx: Context, group_id: str) -> Document:
    """Show one security group with its rules for incoming traffic."""
    return {"security_group": _view_of(nova, ctx, _group_id(group_id))}


def _id(text: Any, kind: str) -> str:
    """Raises Invalid for what Neutron has no ids like."""
    try:
        return check_uuid(str(text))
    except Invalid:
        raise Invalid(reason=f"{kind} id should be a uuid, not {text}") from None


def _group_id(text: Any) -> str:
    return _id(text, "Security group")


def _refused(problem: Problem) -> Problem:
    """A conflict in Neutron, in the words of before: too many, or what was asked is wrong."""
    if problem.code != 409:
        return problem
    kind = Refused if "quota exceeded" in str(problem).lower() else Invalid
    return kind(reason=str(problem))


def _view_of(nova: Nova, ctx: Context, group_id: str) -> Document:
    group = _ask(nova, ctx, "GET", f"/security-groups/{group_id}")["security_group"]
    return view(group, {g["id"]: g for g in _groups(nova, ctx)})


_BODY = wrapped("security_group", closed(["name", "description"], name=_NAME, description={
    "type": ["string", "null"], "maxLength": 255}))


@api.post("/os-security-groups", policy="os_compute_api:os-security-groups:create", until=LAST,
          body=_BODY, changes_nothing=NEUTRONS)
def create(nova: Nova, ctx: Context, body: Document) -> Document:
    """Make a security group in Neutron."""
    try:
        made = _ask(nova, ctx, "POST", "/security-groups", json=body)["security_group"]
    except Problem as problem:
        raise _refused(problem) from None
    return {"security_group": view(made, {made["id"]: made})}


@api.put("/os-security-groups/<group_id>", policy="os_compute_api:os-security-groups:update",
         until=LAST, body=_BODY, changes_nothing=NEUTRONS)
def change(nova: Nova, ctx: Context, group_id: str, body: Document) -> Document:
    """Rename a security group in Neutron, and describe it anew."""
    own = _group_id(group_id)
    _ask(nova, ctx, "PUT", f"/security-groups/{own}", json=body)
    return {"security_group": _view_of(nova, ctx, own)}


@api.delete("/os-security-groups/<group_id>", policy="os_compute_api:os-security-groups:delete",
            until=LAST, status=202, changes_nothing=NEUTRONS)
def remove(nova: Nova, ctx: Context, group_id: str) -> None:
    """Delete a security group in Neutron; one that is in use is refused."""
    try:
        _ask(nova, ctx, "DELETE", f"/security-groups/{_group_id(group_id)}")
    except Problem as problem:
        raise _refused(problem) from None


_RULE = closed(
    ["parent_group_id"], parent_group_id={"type": "string"},
    ip_protocol={"type": ["string", "null"]}, from_port={"type": ["integer", "string", "null"]},
    to_port={"type": ["integer", "string", "null"]}, cidr={"type": ["string", "null"]},
    group_id={"type": ["string", "null"]},
)


@api.post("/os-security-group-rules", policy="os_compute_api:os-security-groups:rule:create",
          until=LAST, body=wrapped("security_group_rule", _RULE), changes_nothing=NEUTRONS)
def create_rule(nova: Nova, ctx: Context, body: Document) -> Document:
    """Add a rule for incoming traffic to a security group in Neutron."""
    asked = body["security_group_rule"]
    ports = []
    for name in ("from_port", "to_port"):
        value = asked.get(name)
        if value is not None and parse_whole(str(value).removeprefix("-")) is None:
            raise Invalid(reason=f"{name}: expected a number, not {value}")
        ports.append(None if value is None or int(value) == -1 else int(value))
    prefix = asked.get("cidr")
    request = {
        "security_group_id": _group_id(asked["parent_group_id"]), "direction": "ingress",
        "protocol": (asked.get("ip_protocol") or "").lower() or None,
        "port_range_min": ports[0], "port_range_max": ports[1],
        "remote_group_id": _group_id(asked["group_id"]) if asked.get("group_id") else None,
        "ethertype": "IPv6" if prefix and ":" in prefix else "IPv4",
        "remote_ip_prefix": None if asked.get("group_id") else prefix or "0.0.0.0/0",
    }
    try:
        made = _ask(nova, ctx, "POST", "/security-group-rules",
                    json={"security_group_rule": request})["security_group_rule"]
    except Problem as problem:
        raise _refused(problem) from None
    return {"security_group_rule": rule(made, {g["id"]: g for g in _groups(nova, ctx)})}


@api.delete("/os-security-group-rules/<rule_id>",
            policy="os_compute_api:os-security-groups:rule:delete", until=LAST, status=202,
            changes_nothing=NEUTRONS)
def remove_rule(nova: Nova, ctx: Context, rule_id: str) -> None:
    """Delete a rule of a security group in Neutron."""
    own = _id(rule_id, "Security group rule")
    try:
        _ask(nova, ctx, "DELETE", f"/security-group-rules/{own}")
    except Problem as problem:
        if problem.code == 404:
            raise NotFound("Security group rule", rule_id) from None
        raise
