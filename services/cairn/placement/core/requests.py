"""What a request for candidates asks for."""

from dataclasses import dataclass, field

from cairn.placement.core.nodes import Node
from cairn.placement.core.snapshot import Snapshot


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

    @property
    def any_traits(self) -> bool:
        return bool(self.required or self.forbidden)

    @property
    def any_aggregates(self) -> bool:
        return bool(self.member_of or self.not_member_of)

    def has_room(self, node: Node) -> bool:
        """Whether the provider has all the resources by itself."""
        stocks = node.stocks
        for class_id, amount in self.resources.items():
            stock = stocks.get(class_id)
            if stock is None or not stock.fits(amount):
                return False
        return True

    def carried(self, traits: set[int]) -> bool:
        """Whether these have what is required and nothing forbidden."""
        return not traits & self.forbidden and all(traits & any_of for any_of in self.required)

    def belongs(self, node: Node) -> bool:
        """Whether the provider is in the aggregates that are wanted, and in none that is not."""
        mine = node.aggregates
        return not mine & self.not_member_of and all(mine & any_of for any_of in self.member_of)

    def belongs_in_tree(self, node: Node, root: Node) -> bool:
        """The same where an aggregate of the root holds for the whole tree."""
        if (node.aggregates | root.aggregates) & self.not_member_of:
            return False
        return any(all(one.aggregates & any_of for any_of in self.member_of)
                   for one in (node, root))

    def suits(self, node: Node) -> bool:
        """Whether the provider is by itself all that the group wants, wherever it is."""
        return self.has_room(node) and self.carried(node.traits) and self.belongs(node)


@dataclass
class Request:
    """The group without a suffix is spread over a tree; each other comes from one provider."""

    groups: dict[str, Group]
    isolate: bool = False
    limit: int | None = None
    # What the root of the tree has and has not.
    root: Group = field(default_factory=Group)
    # The groups of each element come from one provider and what is below it.
    same_subtree: list[set[str]] = field(default_factory=list)
    # Before microversion 1.29 nobody is told of two providers of one tree.
    nested: bool = True


def narrow(snapshot: Snapshot, request: Request) -> set[int] | None:
    """Roots of the trees that can hold an answer, as far as one condition tells; None: any."""
    most = len(snapshot.roots) // 2
    best: set[int] | None = None
    for group in request.groups.values():
        if group.in_tree is not None:
            node = snapshot.find(group.in_tree)
            return set() if node is None else {node.root}
        for class_id, amount in group.resources.items():
            if snapshot.rooms.count(class_id, amount) <= (most if best is None else len(best)):
                best = snapshot.rooms.of(class_id, amount)
        sets = [snapshot.by_trait.any_of(any_of) for any_of in group.required]
        sets += [snapshot.by_aggregate.any_of(any_of) for any_of in group.member_of]
        for matches in sets:
            if len(matches) <= (most if best is None else len(best)):
                best = matches
    if best is None:
        return None
    return {snapshot.nodes[id_].root for id_ in best}
