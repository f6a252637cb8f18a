"""Which providers could satisfy a request: tree by tree, each group in every way it fits.

The unsuffixed group may be spread over a tree; a suffixed one comes from a single provider
(API reference, "Allocation candidates"). A provider with the trait MISC_SHARES_VIA_AGGREGATE also
serves every tree of which a provider is in an aggregate with it.
"""

import itertools
import math
import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from cairn.placement.core.nodes import Node
from cairn.placement.core.requests import Group, Request, narrow
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.core.trees import Tree, Way


@dataclass(frozen=True)
class Candidates:
    """`plain` are candidates that take all of the only group from one provider, which is a tree by
    itself; `ways` are the others. `summaries` are of all providers in the trees of both."""

    plain: list[Node]
    ways: list[Way]
    summaries: list[Node]


@dataclass
class _Sharers:
    """Who gives to other trees, by aggregate."""

    by_aggregate: dict[str, list[Node]] = field(default_factory=dict)

    def of(self, tree: Collection[Node]) -> list[Node]:
        sharers = {
            node.id: node for member in tree for aggregate in member.aggregates
            for node in self.by_aggregate.get(aggregate, ())
        }
        return list(sharers.values())


def find(
    snapshot: Snapshot, request: Request, *, randomize: bool = True, most: int = -1,
    plain: bool = True,
) -> Candidates:
    """At most `most` (-1: any number) and `request.limit` candidates. Without `plain`, the simple
    trees are treated like all others: the answer is the same, and slower."""
    limit = min((n for n in (request.limit, most) if n is not None and n >= 0),
                default=math.inf)
    sharers = _sharers(snapshot, request)
    roots = iter(_roots(snapshot, request, bool(sharers.by_aggregate), randomize))
    # On a tree of one provider a suffix makes no difference.
    only = next(iter(request.groups.values())) if len(request.groups) == 1 else None
    if only is None or sharers.by_aggregate or not plain:
        nodes: list[Node] = []
        rest: Iterable[int] = roots
    else:
        nodes, met = _plain(snapshot, request, only, roots, limit)
        rest = itertools.chain(met, roots)
    ways = list(itertools.islice(_ways(snapshot, request, rest, sharers),
                                 None if limit == math.inf else int(limit - len(nodes))))
    return Candidates(nodes, ways, _summaries(snapshot, request, nodes, ways))


def _sharers(snapshot: Snapshot, request: Request) -> _Sharers:
    """Those who share something that is asked for."""
    sharers = _Sharers()
    classes = {class_id for group in request.groups.values() for class_id in group.resources}
    anybody = not all(group.resources for group in request.groups.values())
    for id_ in snapshot.sharing():
        node = snapshot.nodes[id_]
        if anybody or classes & node.stocks.keys():
            for aggregate in node.aggregates:
                sharers.by_aggregate.setdefault(aggregate, []).append(node)
    return sharers


def _roots(
    snapshot: Snapshot, request: Request, shared: bool, randomize: bool
) -> Iterable[int]:
    """The trees to look into. In another order each time, if `randomize`: so schedulers that ask
    at once for a few of many do not all get the same ones."""
    # What is shared with a tree tells nothing of the tree.
    narrowed = None if shared else narrow(snapshot, request)
    if narrowed is not None:
        ordered = sorted(narrowed)
        if randomize:
            random.shuffle(ordered)
        return ordered
    roots = snapshot.roots
    if not randomize or len(roots) < 2:
        return roots
    # Steps that meet every root once and need no copy of the list.
    step = random.randrange(1, len(roots))
    while math.gcd(step, len(roots)) > 1:
        step -= 1
    at = random.randrange(len(roots))
    return (roots[(at + step * i) % len(roots)] for i in range(len(roots)))


def _plain(
    snapshot: Snapshot, request: Request, group: Group, roots: Iterator[int], limit: float
) -> tuple[list[Node], list[int]]:
    """The simple trees that suit, and the roots of the other trees met meanwhile: until the two
    may be enough."""
    nodes: list[Node] = []
    rest: list[int] = []
    trees, all_nodes, needs = snapshot.trees, snapshot.nodes, list(group.resources.items())
    special = group.any_traits or group.any_aggregates or request.root.any_traits
    for root in roots:
        if len(trees[root]) > 1:
            rest.append(root)
            if len(nodes) + len(rest) >= limit:
                break
            continue
        node = all_nodes[root]
        stocks = node.stocks
        for class_id, amount in needs:
            stock = stocks.get(class_id)
            # As stock.fits says it, without the call.
            if (stock is None or stock.room < amount or stock.min_unit > amount
                    or amount % stock.step_size):
                break
        else:
            if special and not (group.carried(node.traits) and group.belongs(node)
                                and request.root.carried(node.traits)):
                continue
            nodes.append(node)
            if len(nodes) + len(rest) >= limit:
                break
    return nodes, rest


def _ways(
    snapshot: Snapshot, request: Request, roots: Iterable[int], sharers: _Sharers
) -> Iterator[Way]:
    """One way of each tree, then the second of each, and so on: when only some are wanted, they
    shall not all be of one host."""
    told: set[tuple[frozenset[object], ...]] = set()
    tries = itertools.count()
    turns: Iterator[Iterator[Way]] = (
        _ways_of_tree(snapshot, request, root, sharers, tries) for root in roots)
    while True:
        again = []
        for turn in turns:
            way = next(turn, None)
            if way is None:
                continue
            again.append(turn)
            if sharers.by_aggregate:
                # What is all shared is met again in every tree it is shared with.
                key = (frozenset(way.amounts.items()), frozenset(
                    (suffix, *sorted(ids)) for suffix, ids in way.mappings.items()))
                if key in told:
                    continue
                told.add(key)
            if request.nested or not snapshot.has_trees or _one_of_each_tree(snapshot, way):
                yield way
        if not again:
            return
        turns = iter(again)


def _one_of_each_tree(snapshot: Snapshot, way: Way) -> bool:
    providers = way.providers()
    return len(providers) == len({snapshot.nodes[id_].root for id_ in providers})


def _ways_of_tree(
    snapshot: Snapshot, request: Request, root: int, sharers: _Sharers, tries: Iterator[int]
) -> Iterator[Way]:
    members = list(snapshot.trees[root].values())
    others = sharers.of(members) if sharers.by_aggregate else []
    return Tree(snapshot, request, root, members, others, tries).ways()


def _summaries(
    snapshot: Snapshot, request: Request, plain: list[Node], ways: list[Way]
) -> list[Node]:
    if not ways:
        return plain
    used = set().union(*(way.providers() for way in ways))
    if not request.nested and snapshot.has_trees:
        return plain + [snapshot.nodes[id_] for id_ in used]
    roots = {snapshot.nodes[id_].root for id_ in used}
    return plain + [node for root in roots for node in snapshot.trees[root].values()]
