"""Which providers could satisfy a request: tree by tree, each group in every way it fits.

The unsuffixed group may be spread over a tree; a suffixed one comes from a single provider
(API reference, "Allocation candidates", and upstream's granular resource requests).
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.placement.core import providers
from cairn.placement.core.names import Names
from cairn.placement.db.models import Inventory, Provider, ProviderAggregate


@dataclass
class Group:
    """One part of a request, resource classes and traits by number."""

    resources: dict[int, int] = field(default_factory=dict)
    # Each element is satisfied by any one of its traits.
    required: list[set[int]] = field(default_factory=list)
    forbidden: set[int] = field(default_factory=set)
    # Each element is satisfied by membership in any one of its aggregates.
    member_of: list[set[str]] = field(default_factory=list)
    not_member_of: set[str] = field(default_factory=set)
    in_tree: str | None = None


@dataclass
class Request:
    groups: dict[str, Group]
    isolate: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Found:
    """`requests`: (group suffix -> provider ids, (provider id, class id) -> amount) each;
    `summaries`: provider id -> its facts, of every provider in the trees of the requests."""

    requests: list[tuple[dict[str, list[int]], dict[tuple[int, int], int]]]
    summaries: dict[int, dict[str, Any]]


@dataclass
class _Tree:
    providers: list[Provider]
    traits: dict[int, set[int]]
    aggregates: dict[int, set[str]]
    inventories: dict[int, dict[int, Inventory]]


def find(session: Session, names: Names, request: Request) -> Found:
    roots = _roots(session, request)
    random.shuffle(roots)
    found = Found([], {})
    for start in range(0, len(roots), 500):
        for tree in _trees(session, roots[start:start + 500]):
            ways = list(itertools.islice(_ways(tree, request), 1000))
            if not ways:
                continue
            if request.limit is not None:
                ways = ways[: request.limit - len(found.requests)]
            found.requests.extend(ways)
            by_id = {p.id: p for p in tree.providers}
            for provider in tree.providers:
                found.summaries[provider.id] = _summary(names, tree, by_id, provider)
            if request.limit is not None and len(found.requests) >= request.limit:
                return found
    return found


def _roots(session: Session, request: Request) -> list[int]:
    """Trees that have room for each class somewhere: what is left is decided tree by tree."""
    roots: set[int] | None = None
    for group in request.groups.values():
        for class_id, amount in group.resources.items():
            query = select(Provider.root_id).join(
                Inventory, Inventory.provider_id == Provider.id
            ).where(
                Inventory.class_id == class_id,
                Inventory.used + amount
                <= (Inventory.total - Inventory.reserved) * Inventory.allocation_ratio,
                Inventory.min_unit <= amount, Inventory.max_unit >= amount,
            ).distinct()
            if group.in_tree is not None:
                tree = select(Provider.root_id).where(Provider.uuid == group.in_tree)
                query = query.where(Provider.root_id.in_(tree.scalar_subquery()))
            here = {root for root in session.scalars(query) if root is not None}
            roots = here if roots is None else roots & here
    return sorted(roots or ())


def _trees(session: Session, roots: list[int]) -> Iterator[_Tree]:
    members = session.scalars(select(Provider).where(Provider.root_id.in_(roots))).all()
    ids = [p.id for p in members]
    traits = providers.traits(session, ids)
    aggregates: dict[int, set[str]] = {id_: set() for id_ in ids}
    for id_, aggregate in session.execute(
        select(ProviderAggregate.provider_id, ProviderAggregate.aggregate)
        .where(ProviderAggregate.provider_id.in_(ids))
    ):
        aggregates[id_].add(aggregate)
    inventories: dict[int, dict[int, Inventory]] = {id_: {} for id_ in ids}
    for row in session.scalars(select(Inventory).where(Inventory.provider_id.in_(ids))):
        inventories[row.provider_id][row.class_id] = row
    by_root: dict[int, list[Provider]] = {root: [] for root in roots}
    for provider in members:
        assert provider.root_id is not None
        by_root[provider.root_id].append(provider)
    for root in roots:
        tree = by_root[root]
        yield _Tree(tree, traits, aggregates, inventories)


def _ways(
    tree: _Tree, request: Request
) -> Iterator[tuple[dict[str, list[int]], dict[tuple[int, int], int]]]:
    options = []
    for suffix, group in request.groups.items():
        fits = list(_single(tree, group) if suffix else _spread(tree, group))
        if not fits:
            return
        options.append([(suffix, fit) for fit in fits])
    for choice in itertools.product(*options):
        total: dict[tuple[int, int], int] = {}
        mappings: dict[str, list[int]] = {}
        for suffix, fit in choice:
            mappings[suffix] = sorted({provider for provider, _ in fit})
            for key, amount in fit.items():
                total[key] = total.get(key, 0) + amount
        singles = [mappings[suffix][0] for suffix in mappings if suffix]
        if request.isolate and len(set(singles)) < len(singles):
            continue
        if all(_fits(tree.inventories[p].get(c), amount) for (p, c), amount in total.items()):
            yield mappings, total


def _spread(tree: _Tree, group: Group) -> Iterator[dict[tuple[int, int], int]]:
    """Every way to take each class of the group from some provider of the tree."""
    usable = [
        p for p in tree.providers
        if not tree.traits[p.id] & group.forbidden and _member(tree, tree.providers, p, group)
    ]
    carried = set().union(*(tree.traits[p.id] for p in usable)) if usable else set()
    if not all(carried & any_of for any_of in group.required):
        return
    choices = [
        [(p.id, class_id) for p in usable
         if _fits(tree.inventories[p.id].get(class_id), amount)]
        for class_id, amount in group.resources.items()
    ]
    for choice in itertools.product(*choices):
        used = set().union(*(tree.traits[p] for p, _ in choice)) if choice else set()
        root = {t for p in tree.providers if p.parent_id is None for t in tree.traits[p.id]}
        if all((used | root) & any_of for any_of in group.required):
            yield {key: group.resources[key[1]] for key in choice}


def _single(tree: _Tree, group: Group) -> Iterator[dict[tuple[int, int], int]]:
    """Every provider of the tree that has all of the group by itself."""
    for provider in tree.providers:
        mine = tree.traits[provider.id]
        if mine & group.forbidden or not all(mine & any_of for any_of in group.required):
            continue
        if not _member(tree, [provider], provider, group):
            continue
        have = tree.inventories[provider.id]
        if all(_fits(have.get(c), amount) for c, amount in group.resources.items()):
            yield {(provider.id, c): amount for c, amount in group.resources.items()}


def _member(tree: _Tree, family: list[Provider], provider: Provider, group: Group) -> bool:
    """Whether the provider (or, of a spread group, its root) is in the aggregates wanted."""
    roots = [p for p in family if p.parent_id is None]
    mine = set(tree.aggregates[provider.id]).union(*(tree.aggregates[p.id] for p in roots))
    return all(mine & any_of for any_of in group.member_of) and not mine & group.not_member_of


def _fits(row: Inventory | None, amount: int) -> bool:
    return (
        row is not None
        and row.used + amount <= (row.total - row.reserved) * row.allocation_ratio
        and row.min_unit <= amount <= row.max_unit and amount % row.step_size == 0
    )


def _summary(
    names: Names, tree: _Tree, by_id: Mapping[int, Provider], provider: Provider
) -> dict[str, Any]:
    assert provider.root_id is not None
    return {
        "uuid": provider.uuid,
        "parent": by_id[provider.parent_id].uuid if provider.parent_id else None,
        "root": by_id[provider.root_id].uuid,
        "resources": {
            names.classes.name(c): {
                "capacity": int((row.total - row.reserved) * row.allocation_ratio),
                "used": row.used,
            } for c, row in tree.inventories[provider.id].items()
        },
        "traits": sorted(names.traits.name(t) for t in tree.traits[provider.id]),
    }
