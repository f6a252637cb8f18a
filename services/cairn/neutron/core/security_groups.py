"""Security groups and their rules."""

import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core import addresses, quotas, tags
from cairn.neutron.core.kinds import (
    GROUPS,
    MEMBERS,
    RULES,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    find,
    target,
    unscoped,
)
from cairn.neutron.core.resources import Request, Resource, check_create, made
from cairn.neutron.core.write import Again, Write, write

# Upstream's names for IP protocols.
PROTOCOLS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58,
    "igmp": 2, "ip": 0, "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58,
    "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46,
    "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}
WITH_PORTS = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33}
ICMP, ICMPV6 = 1, 58
# 41 (encapsulation) among them, as upstream has it.
ONLY_IPV6 = {41, 43, 44, 58, 59, 60}
# What says of an IPv6 rule that it is about ICMP, and what is written down for it.
ICMP_FOR_IPV6 = {"icmp": "ipv6-icmp", "icmpv6": "ipv6-icmp", "1": "58"}

_default = select(GROUPS.c.id).where(GROUPS.c.default_of == bindparam("project"))
_exist = select(GROUPS.c.id, GROUPS.c.project_id, GROUPS.c.stateful).where(
    GROUPS.c.id.in_(bindparam("ids", expanding=True))
)


def default(w: Write, project: str) -> str:
    """The project's default group, made when first asked for."""
    group_id: str | None = w.session.execute(_default, {"project": project}).scalar()
    if group_id is not None:
        return group_id
    id = new_id()
    try:
        _insert(w, id, {
            "project_id": project, "name": "default", "description": "Default security group",
        }, default_of=project)
    except IntegrityError:
        # Another request of the project's was faster. Its row may not be visible to us yet.
        raise Again from None
    for ethertype in ("IPv4", "IPv6"):
        _insert_rule(w, project, id, {
            "direction": "ingress", "ethertype": ethertype, "remote_group_id": id})
    w.record("security_group", "create", SimpleNamespace(
        id=id, project_id=project, name="default"))
    quotas.take(w, project, "security_group", checked=False)
    quotas.take(w, project, "security_group_rule", 4, checked=False)
    return id


def ensure_default(neutron: Neutron, ctx: Context, project: str | None) -> None:
    """A project has its default group by the time anybody looks; of nobody's project there is
    none."""
    if not project:
        return
    with neutron.db.reading() as session:
        if session.execute(_default, {"project": project}).scalar() is not None:
            return
    write(neutron, ctx, lambda w: default(w, project))


def checked(w: Write, project: str, ids: Sequence[str]) -> list[str]:
    """The groups that a port of the project may be in together. Raises SecurityGroupNotFound,
    BadAttribute where one is there twice, SecurityGroupConflict."""
    if not ids:
        return []
    if len(set(ids)) < len(ids):
        raise errors.BadAttribute(
            name="security_groups", reason=f"Duplicate items in the list: '{', '.join(ids)}'.")
    stateful = {row.id: row.stateful for row in w.session.execute(_exist, {"ids": list(ids)})
                if row.project_id == project or unscoped(w.ctx)}
    for id in ids:
        if id not in stateful:
            raise errors.SecurityGroupNotFound(id)
    if len(set(stateful.values())) > 1:
        raise errors.SecurityGroupConflict(
            reason="Cannot apply both stateful and stateless security groups on the same port at "
            "the same time")
    return list(ids)


def create(w: Write, request: Mapping[str, Any]) -> str:
    """The new group's id, with rules that let everything out."""
    if request.get("name") == "default":
        default(w, request["project_id"])
        raise errors.SecurityGroupDefaultAlreadyExists
    id = new_id()
    default(w, request["project_id"])
    _insert(w, id, request)
    if request.get("tags"):
        tags.replace(w, SECURITY_GROUP, id, request["tags"])
    quotas.take(w, request["project_id"], "security_group")
    quotas.take(w, request["project_id"], "security_group_rule", 2)
    return id


def _insert(
    w: Write, id: str, request: Mapping[str, Any], default_of: str | None = None
) -> None:
    now = utcnow()
    w.session.execute(insert(GROUPS).values(
        id=id, project_id=request["project_id"], created_at=now, updated_at=now, revision=1,
        name=request.get("name", ""), description=request.get("description", ""), tags=[],
        stateful=request.get("stateful", True), default_of=default_of,
    ))
    for ethertype in ("IPv4", "IPv6"):
        _insert_rule(w, request["project_id"], id, {
            "direction": "egress", "ethertype": ethertype})


def change(w: Write, group: Row[Any], request: Mapping[str, Any]) -> None:
    """Raises SecurityGroupCannotUpdateDefault, SecurityGroupInUse."""
    if group.default_of is not None and request.get("name", "default") != "default":
        raise errors.SecurityGroupCannotUpdateDefault
    if group.default_of is None and request.get("name") == "default":
        raise errors.SecurityGroupDefaultAlreadyExists
    values = {n: request[n] for n in ("name", "description", "stateful") if n in request}
    if values.get("stateful", group.stateful) != group.stateful:
        if _in_use(w, group.id):
            raise errors.SecurityGroupInUse(
                id=group.id, reason="is used by ports: stateful cannot be changed now")
    w.session.execute(
        update(GROUPS).where(GROUPS.c.id == group.id)
        .values(**values, revision=GROUPS.c.revision + 1, updated_at=utcnow())
    )
    w.record("security_group", "update", group, **values)


def _in_use(w: Write, id: str) -> bool:
    return w.session.scalar(
        select(MEMBERS.c.port_id).where(MEMBERS.c.security_group_id == id).limit(1)
    ) is not None


def delete(w: Write, group: Row[Any]) -> None:
    """Raises SecurityGroupInUse, SecurityGroupCannotRemoveDefault."""
    if _in_use(w, group.id):
        raise errors.SecurityGroupInUse(id=group.id, reason="in use")
    if group.default_of is not None and not w.ctx.is_admin:
        raise errors.SecurityGroupCannotRemoveDefault
    # Other groups' rules that name it as remote go with it.
    rules = w.session.execute(select(RULES).where(or_(
        RULES.c.security_group_id == group.id, RULES.c.remote_group_id == group.id))).all()
    w.session.execute(RULES.delete().where(RULES.c.id.in_([r.id for r in rules])))
    tags.forget(w, group.id)
    w.session.execute(GROUPS.delete().where(GROUPS.c.id == group.id))
    for rule in rules:
        w.record("security_group_rule", "delete", rule)
        quotas.give_back(w, rule.project_id, "security_group_rule")
        w.groups.add(rule.security_group_id)
    w.record("security_group", "delete", group)
    quotas.give_back(w, group.project_id, "security_group")


def rules_of(session: Session, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The rules of each group by its id, oldest first; an empty list for a group without."""
    rules: dict[str, list[Row[Any]]] = {id: [] for id in ids}
    if ids:
        for rule in session.execute(
            select(RULES).where(RULES.c.security_group_id.in_(ids))
            .order_by(RULES.c.created_at, RULES.c.id)
        ):
            rules[rule.security_group_id].append(rule)
    return rules


def check_together(rules: Sequence[Mapping[str, Any]]) -> None:
    """Rules that are made at once are of one group and one project, and each is there once. Raises
    SecurityGroupNotSingleGroupRules, SecurityGroupRulesNotSingleTenant,
    DuplicateSecurityGroupRuleInPost, and what `checked_rule` does."""
    if len({rule["security_group_id"] for rule in rules}) > 1:
        raise errors.SecurityGroupNotSingleGroupRules
    if len({rule.get("project_id") for rule in rules}) > 1:
        raise errors.SecurityGroupRulesNotSingleTenant
    if len({_fingerprint(checked_rule(rule)) for rule in rules}) < len(rules):
        raise errors.DuplicateSecurityGroupRuleInPost


def create_rule(w: Write, request: Mapping[str, Any]) -> str:
    """The new rule's id. Raises Invalid, SecurityGroupNotFound, SecurityGroupRuleExists."""
    group = find(w.session, w.ctx, SECURITY_GROUP, request["security_group_id"])
    if request.get("remote_group_id"):
        find(w.session, w.ctx, SECURITY_GROUP, request["remote_group_id"])
    rule = checked_rule(request)
    id = _insert_rule(w, request["project_id"], group.id, rule)
    if id is None:
        same = w.session.scalar(select(RULES.c.id).where(
            RULES.c.security_group_id == group.id, RULES.c.fingerprint == _fingerprint(rule)))
        raise errors.SecurityGroupRuleExists(id=same)
    w.session.execute(
        update(GROUPS).where(GROUPS.c.id == group.id).values(revision=GROUPS.c.revision + 1)
    )
    quotas.take(w, request["project_id"], "security_group_rule")
    w.groups.add(group.id)
    return id


def _fingerprint(rule: Mapping[str, Any]) -> str:
    """Two rules that let the same through are the same, whatever their description."""
    number = protocol_number(rule.get("protocol"), rule["ethertype"])
    prefix = normalize_cidr(rule.get("remote_ip_prefix"))
    if prefix in ("0.0.0.0/0", "::/0"):
        prefix = None
    parts = (rule["direction"], rule["ethertype"], number, rule.get("port_range_min"),
             rule.get("port_range_max"), prefix, rule.get("remote_group_id"))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _insert_rule(
    w: Write, project: str, group: str, rule: Mapping[str, Any]
) -> str | None:
    id, now = new_id(), utcnow()
    columns = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max",
               "remote_ip_prefix", "remote_group_id")
    try:
        w.session.execute(insert(RULES).values(
            id=id, project_id=project, created_at=now, updated_at=now, revision=0,
            description=rule.get("description") or "", security_group_id=group,
            fingerprint=_fingerprint(rule),
            normalized_cidr=normalize_cidr(rule.get("remote_ip_prefix")),
            **{name: rule.get(name) for name in columns},
        ))
    except IntegrityError:
        return None
    return id


def protocol_number(protocol: str | None, ethertype: str) -> int | None:
    """What packets are matched by; None is every protocol, which 0 (ip, hopopt) says too."""
    if protocol is None:
        return None
    if ethertype == "IPv6":
        protocol = ICMP_FOR_IPV6.get(protocol, protocol)
    number = PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol)
    return number or None


def normalize_cidr(prefix: str | None) -> str | None:
    """The prefix without the bits of a host in it: "10.1.2.3/8" as "10.0.0.0/8"."""
    return None if prefix is None else str(ip_network(prefix, strict=False))


def checked_rule(request: Mapping[str, Any]) -> dict[str, Any]:
    """The rule as it is stored. Raises Invalid, naming what is wrong."""
    rule = dict(request)
    ethertypes = {"ipv4": "IPv4", "ipv6": "IPv6"}
    given = str(rule.get("ethertype") or "IPv4")
    if given.lower() not in ethertypes:
        raise errors.SecurityGroupRuleInvalidEtherType(ethertype=given)
    rule["ethertype"] = ethertypes[given.lower()]
    rule["protocol"] = _protocol(rule.get("protocol"), rule["ethertype"])
    _check_ports(rule)
    if rule.get("remote_ip_prefix") and rule.get("remote_group_id"):
        raise errors.SecurityGroupRemoteGroupAndRemoteIpPrefix
    rule["remote_group_id"] = rule.get("remote_group_id") or None
    number = protocol_number(rule["protocol"], rule["ethertype"])
    if number in ONLY_IPV6 and rule["ethertype"] == "IPv4":
        raise errors.SecurityGroupEthertypeConflictWithProtocol(
            ethertype=rule["ethertype"], protocol=rule["protocol"])
    rule["remote_ip_prefix"] = rule.get("remote_ip_prefix") or None
    if rule["remote_ip_prefix"]:
        text = rule["remote_ip_prefix"]
        net = addresses.parse_network(text, "remote_ip_prefix")
        if f"IPv{net.version}" != rule["ethertype"]:
            raise errors.SecurityGroupRuleParameterConflict(ethertype=rule["ethertype"], cidr=net)
        # As it was given, but for the spelling.
        rule["remote_ip_prefix"] = f"{ip_address(text.partition('/')[0])}/{net.prefixlen}"
    return rule


def _protocol(given: str | int | None, ethertype: str) -> str | None:
    if given is None or str(given).lower() in ("any", ""):
        return None
    name = str(given).lower()
    if name.isascii() and name.isdigit() and int(name) <= 255:
        name = str(int(name))
    elif name not in PROTOCOLS:
        raise errors.SecurityGroupRuleInvalidProtocol(protocol=given, known=sorted(PROTOCOLS))
    return ICMP_FOR_IPV6.get(name, name) if ethertype == "IPv6" else name


def _check_ports(rule: dict[str, Any]) -> None:
    low, high = (_port(rule, name) for name in ("port_range_min", "port_range_max"))
    if low is None and high is None:
        return
    if rule["protocol"] is None:
        raise errors.SecurityGroupProtocolRequiredWithPorts
    number = protocol_number(rule["protocol"], rule["ethertype"])
    if number in (ICMP, ICMPV6):
        for name, attr, value in (
            ("type", "port-range-min", low), ("code", "port-range-max", high),
        ):
            if value is not None and not 0 <= value <= 255:
                raise errors.SecurityGroupInvalidIcmpValue(field=name, attr=attr, value=value)
        if low is None:
            raise errors.SecurityGroupMissingIcmpType(value=high)
        return
    if number not in WITH_PORTS.values():
        raise errors.SecurityGroupInvalidProtocolForPort(
            protocol=rule["protocol"], known=", ".join(WITH_PORTS).upper())
    if 0 in (low, high):
        raise errors.SecurityGroupInvalidPortValue(port=0)
    if low is None or high is None or low > high:
        raise errors.SecurityGroupInvalidPortRange


def _port(rule: dict[str, Any], name: str) -> int | None:
    value = rule.get(name)
    if value is None or value == "":
        rule[name] = None
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise errors.SecurityGroupInvalidPortValue(port=value) from None
    if not 0 <= number <= 65535:
        raise errors.SecurityGroupInvalidPortValue(port=value)
    rule[name] = number
    return number


def delete_rule(w: Write, rule: Row[Any]) -> None:
    """`rule` is read in the transaction; its group's revision goes up by one."""
    w.session.execute(RULES.delete().where(RULES.c.id == rule.id))
    w.session.execute(
        update(GROUPS).where(GROUPS.c.id == rule.security_group_id)
        .values(revision=GROUPS.c.revision + 1)
    )
    w.record("security_group_rule", "delete", rule)
    quotas.give_back(w, rule.project_id, "security_group_rule")
    w.groups.add(rule.security_group_id)


def users(session: Session, ids: Sequence[str]) -> int:
    """How many ports are in any of the groups."""
    return session.scalar(
        select(func.count(MEMBERS.c.port_id.distinct())).where(MEMBERS.c.security_group_id.in_(ids))
    ) or 0


def list_rules(session: Session, groups: Sequence[Any]) -> list[list[Row[Any]]]:
    """The rules of each group, oldest first."""
    return list(rules_of(session, [group.id for group in groups]).values())


def rule_target(rule: Any) -> dict[str, Any]:
    """What policy is told of a rule, which is its group's owner's."""
    return target(rule, **{"security_group:tenant_id": rule.project_id})


def _make(w: Write, request: Request) -> Row[Any]:
    check_create(w, SECURITY_GROUP, request)
    return made(w, SECURITY_GROUP, create(w, request))


def _make_rule(w: Write, request: Request) -> Row[Any]:
    group = find(w.session, w.ctx, SECURITY_GROUP, request["security_group_id"])
    request["project_id"] = group.project_id
    check_create(w, SECURITY_GROUP_RULE, request)
    return made(w, SECURITY_GROUP_RULE, create_rule(w, request))


RESOURCE = Resource(SECURITY_GROUP, _make, change, delete, relate=list_rules)
RULE_RESOURCE = Resource(SECURITY_GROUP_RULE, _make_rule, None, delete_rule, rule_target,
                         check_together=check_together)
