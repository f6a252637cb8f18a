"""Every way in which one tree, with what is shared with it, satisfies a request."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from cairn.placement.core.nodes import Node
from cairn.placement.core.requests import Group, Request
from cairn.placement.core.snapshot import Snapshot

# (provider, class) -> amount.
Amounts = dict[tuple[int, int], int]
# What a group may take: all from one provider, or this of these.
Option = Node | Amounts

# Choices tried in one tree. Eight groups that eight devices could each serve have sixteen million
# ways; whoever wants one needs no other, and what is not found by then holds up everybody.
MOST_TRIED = 50_000
MOST_IN_ALL = 1_000_000  # The same of all trees of one request.


@dataclass(frozen=True)
class Way:
    """One candidate: what is taken of whom, and who serves which group."""

    amounts: Amounts
    mappings: dict[str, set[int]]

    def providers(self) -> set[int]:
        return {provider for provider, _ in self.amounts}


class Tree:
    """`members` are of the tree, `others` share with it."""

    def __init__(
        self, snapshot: Snapshot, request: Request, root: int, members: list[Node],
        others: list[Node], tries: Iterator[int],
    ) -> None:
        self.snapshot, self.request = snapshot, request
        self.top = snapshot.nodes[root]
        self.members = members
        self.family = members + [node for node in others if node.root != root]
        # How many choices this tree has seen, and what counts those of all trees.
        self.tried, self.tries = 0, tries

    def ways(self) -> Iterator[Way]:
        if self.request.root.any_traits and not self.request.root.carried(self.top.traits):
            return
        options: dict[str, list[Option]] = {}
        for suffix, group in self.request.groups.items():
            fits = self._options(suffix, group)
            if not fits:
                return
            options[suffix] = fits
        if not self._hopeless(options):
            yield from self._combine(list(options.items()), {}, {})

    def _options(self, suffix: str, group: Group) -> list[Option]:
        family, root = self.family, self.top.id
        if group.in_tree is not None:
            within = self.snapshot.find(group.in_tree)
            if within is None or (not suffix and within.root != root):
                return []
            family = [node for node in family if node.root == within.root]
        if suffix:
            return [node for node in family if group.suits(node)]
        return list(self._spread(family, group))

    def _spread(self, family: list[Node], group: Group) -> Iterator[Amounts]:
        """Every way to take each class of the group from some provider."""
        choices: list[list[Node]] = []
        for class_id, amount in group.resources.items():
            able = []
            for node in family:
                stock = node.stocks.get(class_id)
                if stock is None or not stock.fits(amount) or node.traits & group.forbidden:
                    continue
                if not group.any_aggregates or self._belongs(group, node):
                    able.append(node)
            if not able:
                return
            choices.append(able)
        for choice in itertools.islice(itertools.product(*choices), MOST_TRIED):
            if group.required:
                carried = set().union(*(node.traits for node in choice))
                if not all(carried & any_of for any_of in group.required):
                    continue
            yield {(node.id, class_id): amount
                   for node, (class_id, amount) in zip(choice, group.resources.items(),
                                                       strict=True)}

    def _belongs(self, group: Group, node: Node) -> bool:
        if node.root != self.top.id and not all(
                node.aggregates & any_of for any_of in group.member_of):
            # Who shares must be a member by itself.
            return False
        return group.belongs_in_tree(node, self.top)

    def _hopeless(self, options: dict[str, list[Option]]) -> bool:
        """Whether all together have not what the groups want together, though each could do."""
        alone = {suffix: {node.id for node in fits if isinstance(node, Node)}
                 for suffix, fits in options.items() if suffix}
        if self.request.isolate and len(set().union(*alone.values())) < len(alone):
            return True
        totals: dict[int, int] = {}
        for group in self.request.groups.values():
            for class_id, amount in group.resources.items():
                totals[class_id] = totals.get(class_id, 0) + amount
        for class_id, amount in totals.items():
            room = sum(node.stocks[class_id].room for node in self.family
                       if class_id in node.stocks and node.stocks[class_id].room > 0)
            if room < amount:
                return True
        return False

    def _combine(
        self, rest: list[tuple[str, list[Option]]], taken: Amounts, mappings: dict[str, set[int]],
    ) -> Iterator[Way]:
        """Every choice of one option per group; those that cannot be finished are left early."""
        if not rest:
            yield Way(taken, mappings)
            return
        (suffix, options), *others = rest
        resources = self.request.groups[suffix].resources
        for option in options:
            self.tried += 1
            if self.tried > MOST_TRIED or next(self.tries) > MOST_IN_ALL:
                return
            if isinstance(option, Node):
                if self.request.isolate and any(
                        other and option.id in ids for other, ids in mappings.items()):
                    continue
                amounts = {(option.id, class_id): n for class_id, n in resources.items()}
                providers = {option.id}
            else:
                amounts, providers = option, {provider for provider, _ in option}
            total = self._add(taken, amounts)
            chosen = {**mappings, suffix: providers}
            if total is not None and self._together(suffix, chosen):
                yield from self._combine(others, total, chosen)

    def _add(self, taken: Amounts, amounts: Amounts) -> Amounts | None:
        """Both, if there is room for both."""
        total = dict(taken)
        for key, amount in amounts.items():
            total[key] = total.get(key, 0) + amount
            if total[key] > self.snapshot.nodes[key[0]].stocks[key[1]].room:
                return None
        return total

    def _together(self, suffix: str, chosen: dict[str, set[int]]) -> bool:
        """Whether those that must be of one subtree are: as soon as all of them are chosen."""
        return all(
            below_one(self.snapshot, set().union(*(chosen[other] for other in together)))
            for together in self.request.same_subtree
            if suffix in together and together <= chosen.keys())


def below_one(snapshot: Snapshot, providers: set[int]) -> bool:
    """Whether one of the providers is above, or is, each of them."""
    common = set(providers)
    for id_ in providers:
        above = set()
        at: int | None = id_
        while at is not None:
            above.add(at)
            at = snapshot.nodes[at].parent
        common &= above
    return bool(common)
