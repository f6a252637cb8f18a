"""Subnet pools: prefixes that subnets are cut from."""

from collections.abc import Mapping, Sequence
from ipaddress import collapse_addresses, ip_address, ip_network
from typing import Any

from sqlalchemy import Row, insert, select, update

from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.core import addresses, quotas, tags
from cairn.neutron.core.ips import Network
from cairn.neutron.core.kinds import POOLS, SUBNETPOOL, SUBNETS, find, target
from cairn.neutron.core.resources import Request, Resource, check_create, made
from cairn.neutron.core.write import Write


def _prefixes(given: list[str]) -> list[Any]:
    nets: list[Any] = [addresses.parse_network(text, "prefixes") for text in given]
    if len({net.version for net in nets}) != 1:
        raise errors.BadAttribute(name="prefixes", reason="Prefixes of one IP version are needed.")
    return list(collapse_addresses(nets))


def _bounds(version: int, request: Mapping[str, Any]) -> dict[str, int]:
    top = 32 if version == 4 else 128
    low = int(request.get("min_prefixlen") or (8 if version == 4 else 64))
    high = int(request.get("max_prefixlen") or top)
    default = int(request.get("default_prefixlen") or low)
    for name, value in (("min_prefixlen", low), ("max_prefixlen", high)):
        if not 0 <= value <= top:
            raise errors.IllegalSubnetPoolPrefixBounds(
                reason=f"{name}={value} is not between 0 and {top}")
    if low > high:
        raise errors.IllegalSubnetPoolPrefixBounds(
            reason=f"min_prefixlen={low} is above max_prefixlen={high}")
    if not low <= default <= high:
        raise errors.IllegalSubnetPoolPrefixBounds(
            reason=f"default_prefixlen={default} is not between {low} and {high}")
    return {"min_prefixlen": low, "max_prefixlen": high, "default_prefixlen": default}


def _only_default(w: Write, mine: str, version: int) -> None:
    if w.session.scalar(select(POOLS.c.id).where(
        POOLS.c.is_default.is_(True), POOLS.c.ip_version == version, POOLS.c.id != mine
    )):
        raise errors.DefaultSubnetPoolExists


def create(w: Write, request: Mapping[str, Any]) -> str:
    """The new pool's id. Prefixes that touch or overlap are stored as one. Raises BadAttribute,
    IllegalSubnetPoolPrefixBounds, DefaultSubnetPoolExists, OverQuota."""
    id, now = new_id(), utcnow()
    prefixes = _prefixes(request["prefixes"])
    version = prefixes[0].version
    if request.get("is_default"):
        _only_default(w, id, version)
    w.session.execute(insert(POOLS).values(
        id=id, project_id=request["project_id"], created_at=now, updated_at=now, revision=0,
        name=request.get("name", ""), description=request.get("description", ""), tags=[],
        ip_version=version, prefixes=[str(p) for p in prefixes], **_bounds(version, request),
        default_quota=request.get("default_quota"), shared=request.get("shared", False),
        is_default=request.get("is_default", False), cuts=0,
    ))
    if request.get("tags"):
        tags.replace(w, SUBNETPOOL, id, request["tags"])
    quotas.take(w, request["project_id"], "subnetpool")
    return id


def change(w: Write, pool: Row[Any], request: Mapping[str, Any]) -> None:
    """`pool` is held by the transaction. Prefixes may grow, never shrink: subnets are cut from
    them. Raises BadAttribute, IllegalSubnetPoolPrefixBounds, DefaultSubnetPoolExists."""
    values = {name: request[name] for name in ("name", "description", "is_default", "default_quota")
              if name in request}
    if any(name.endswith("_prefixlen") for name in request):
        values |= _bounds(pool.ip_version, {**pool._mapping, **request})
    if "prefixes" in request:
        given = _prefixes(request["prefixes"])
        held = [ip_network(p) for p in pool.prefixes]
        if any(net.version != pool.ip_version for net in given) or not all(
            any(old.subnet_of(new) for new in given) for old in held
        ):
            raise errors.BadAttribute(
                name="prefixes", reason="Prefixes may be added to a pool, not taken from it.")
        values["prefixes"] = [str(p) for p in given]
    if values.get("is_default"):
        _only_default(w, pool.id, pool.ip_version)
    w.session.execute(
        update(POOLS).where(POOLS.c.id == pool.id)
        .values(**values, revision=POOLS.c.revision + 1, updated_at=utcnow())
    )
    w.record("subnetpool", "update", pool, **values)


def delete(w: Write, pool: Row[Any]) -> None:
    """Raises SubnetPoolInUse."""
    w.session.execute(update(POOLS).where(POOLS.c.id == pool.id).values(cuts=POOLS.c.cuts + 1))
    if w.session.scalar(select(SUBNETS.c.id).where(SUBNETS.c.subnetpool_id == pool.id).limit(1)):
        raise errors.SubnetPoolInUse(id=pool.id, reason="Subnet pool has existing allocations")
    tags.forget(w, pool.id)
    w.session.execute(POOLS.delete().where(POOLS.c.id == pool.id))
    w.record("subnetpool", "delete", pool)
    quotas.give_back(w, pool.project_id, "subnetpool")


def cut(w: Write, request: Mapping[str, Any]) -> tuple[str | None, Network]:
    """The pool and the prefix that a subnet gets; without a pool, the cidr it asks for. Raises
    BadRequest, BadAttribute, SubnetPoolNotFound, SubnetAllocationError, SubnetPoolQuotaExceeded,
    and M(in|ax)PrefixSubnetAllocationError."""
    cidr = request.get("cidr")
    _check_asked(request)
    pool = _pool(w, request)
    if pool is None:
        if not cidr:
            raise errors.BadRequest(
                resource="subnets",
                reason="a subnetpool must be specified in the absence of a cidr",
            )
        return None, addresses.parse_network(cidr, "cidr")
    # Held until the commit: cuts from one pool are made one after the other.
    w.session.execute(update(POOLS).where(POOLS.c.id == pool.id).values(cuts=POOLS.c.cuts + 1))
    cuts = [(ip_network(cidr), project) for cidr, project in w.session.execute(
        select(SUBNETS.c.cidr, SUBNETS.c.project_id).where(SUBNETS.c.subnetpool_id == pool.id))]
    held = [net for net, _ in cuts]
    if cidr:
        net = addresses.parse_network(cidr, "cidr")
        length = net.prefixlen
    else:
        length = int(request.get("prefixlen") or pool.default_prefixlen)
    if length < pool.min_prefixlen:
        raise errors.MinPrefixSubnetAllocationError(length=length, limit=pool.min_prefixlen)
    if length > pool.max_prefixlen:
        raise errors.MaxPrefixSubnetAllocationError(length=length, limit=pool.max_prefixlen)
    if pool.default_quota:
        own = [net.prefixlen for net, project in cuts if project == request["project_id"]]
        _check_quota(pool, [*own, length])
    blocks: list[Any] = [ip_network(p) for p in pool.prefixes]
    if cidr:
        inside = any(net.version == b.version and net.subnet_of(b) for b in blocks)
        if not inside or any(net.overlaps(other) for other in held):
            raise errors.SubnetAllocationError(
                reason="Cannot allocate requested subnet from the available set of prefixes")
        return pool.id, net
    for block in blocks:
        free = _first(block, length, held)
        if free is not None:
            return pool.id, free
    raise errors.SubnetAllocationError(
        reason="Insufficient prefix space to allocate subnet size /" + str(length))


def _check_quota(pool: Row[Any], lengths: Sequence[int]) -> None:
    """Raises SubnetPoolQuotaExceeded where prefixes of these lengths are more than a project may
    have of the pool: its quota counts addresses of IPv4, and /64 of IPv6."""
    top, unit = (32, 32) if pool.ip_version == 4 else (128, 64)
    if sum(1 << (top - length) for length in lengths) > pool.default_quota << (top - unit):
        raise errors.SubnetPoolQuotaExceeded


def _check_asked(request: Mapping[str, Any]) -> None:
    """Raises BadRequest for what does not go together."""
    if request.get("cidr") and request.get("prefixlen") is not None:
        wrong = "cidr and prefixlen must not be supplied together"
    elif request.get("subnetpool_id") and request.get("use_default_subnetpool"):
        wrong = "subnetpool_id and use_default_subnetpool cannot both be specified"
    elif request.get("allocation_pools") is not None and not request.get("cidr"):
        wrong = "allocation_pools allowed only for specific subnet requests"
    else:
        return
    raise errors.BadRequest(resource="subnets", reason=wrong)


def _pool(w: Write, request: Mapping[str, Any]) -> Row[Any] | None:
    if request.get("subnetpool_id"):
        pool = find(w.session, w.ctx, SUBNETPOOL, request["subnetpool_id"])
        if pool.ip_version != request["ip_version"]:
            raise errors.BadRequest(
                resource="subnets", reason=f"Cannot allocate IPv{request['ip_version']} subnet "
                f"from IPv{pool.ip_version} subnet pool")
        return pool
    if request.get("use_default_subnetpool") and not request.get("cidr"):
        default = w.session.execute(select(POOLS).where(
            POOLS.c.is_default.is_(True), POOLS.c.ip_version == request["ip_version"])).first()
        if default is None:
            raise errors.BadRequest(
                resource="subnets",
                reason=f"No default subnetpool found for IPv{request['ip_version']}")
        return default
    return None


def _first(block: Any, length: int, held: list[Any]) -> Any:
    """The first free prefix of that length in the block."""
    if length < block.prefixlen:
        return None
    size = 1 << (block.max_prefixlen - length)
    taken = sorted((int(n.network_address), int(n.broadcast_address)) for n in held)
    start, end = int(block.network_address), int(block.broadcast_address)
    for first, last in taken:
        if first >= start + size or last < start:
            continue
        start = -(-(last + 1) // size) * size
    if start + size - 1 > end:
        return None
    version: Any = ip_address(block.network_address).__class__
    return ip_network(f"{version(start)}/{length}")


def pool_target(pool: Any) -> dict[str, Any]:
    """What policy is told of a pool."""
    return target(pool, shared=pool.shared)


def _make(w: Write, request: Request) -> Row[Any]:
    check_create(w, SUBNETPOOL, request)
    return made(w, SUBNETPOOL, create(w, request))


RESOURCE = Resource(SUBNETPOOL, _make, change, delete, pool_target)
