"""The short way through simple trees finds what the general one does, and both what there is."""

import copy
import itertools
import random
import time
from types import SimpleNamespace

import pytest

from cairn.placement.core import candidates
from cairn.placement.core.nodes import Node, Stock
from cairn.placement.core.requests import Group, Request
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.core.trees import below_one

SHARING = 9
CLASSES, TRAITS, AGGREGATES = range(1, 4), range(1, 5), ("a", "b", "c")
NAMES = SimpleNamespace(traits=SimpleNamespace(ids=lambda names: dict.fromkeys(names, SHARING)))


def cloud(dice, nested, shared):
    snapshot = Snapshot(None, NAMES)
    for id_ in range(1, dice.randint(4, 12)):
        parent = dice.choice([None, *snapshot.nodes]) if nested else None
        node = Node(SimpleNamespace(
            id=id_, uuid=f"u{id_}", name=f"n{id_}", generation=0, parent_id=parent,
            root_id=snapshot.nodes[parent].root if parent else None, created_at=None,
            updated_at=None))
        for class_id in CLASSES:
            if dice.random() < 0.7:
                capacity = dice.randint(1, 6)
                node.stocks[class_id] = Stock(
                    capacity, dice.randint(0, 2), dice.choice([1, 1, 2]),
                    dice.choice([2, capacity, 99]), dice.choice([1, 1, 2]))
        node.traits = {t for t in TRAITS if dice.random() < 0.4}
        if shared and dice.random() < 0.3:
            node.traits.add(SHARING)
        node.aggregates = {a for a in AGGREGATES if dice.random() < 0.4}
        snapshot._put(node)
    return snapshot


def group(dice, snapshot):
    wanted = Group({c: dice.randint(1, 3) for c in dice.sample(CLASSES, dice.choice([1, 1, 2]))})
    if dice.random() < 0.4:
        wanted.required = [set(dice.sample(TRAITS, dice.choice([1, 2])))]
    if dice.random() < 0.3:
        wanted.forbidden = {dice.choice(TRAITS)}
    if dice.random() < 0.3:
        wanted.member_of = [set(dice.sample(AGGREGATES, dice.choice([1, 2])))]
    if dice.random() < 0.2:
        wanted.not_member_of = {dice.choice(AGGREGATES)}
    if dice.random() < 0.1:
        wanted.in_tree = dice.choice(list(snapshot.by_uuid))
    return wanted


def said(request, found):
    """Candidates as a set; each is (who gives what, who serves which group)."""
    (suffix, only), *more = request.groups.items()
    assert not (more and found.plain)
    plain = [({(node.id, c): n for c, n in only.resources.items()}, {suffix: {node.id}})
             for node in found.plain]
    ways = plain + [(way.amounts, way.mappings) for way in found.ways]
    keys = [(frozenset(amounts.items()),
             frozenset((s, frozenset(ids)) for s, ids in mappings.items()))
            for amounts, mappings in ways]
    assert len(keys) == len(set(keys))  # Nothing is said twice.
    return set(keys), {node.id for node in found.summaries}


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_find_the_same(seed):
    dice = random.Random(seed)
    snapshot = cloud(dice, nested=seed % 3 > 0, shared=seed % 5 == 0)
    for _ in range(20):
        request = Request({dice.choice(["", "_A"]): group(dice, snapshot)},
                          nested=dice.random() < 0.8)
        if dice.random() < 0.2:
            request.root = Group(required=[{dice.choice(TRAITS)}])
        short = said(request, candidates.find(snapshot, request))
        assert short == said(request, candidates.find(snapshot, request, plain=False))


def fits_alone(group, node, snapshot):
    return (group.suits(node) and
            (group.in_tree is None or snapshot.find(group.in_tree).root == node.root))


@pytest.mark.parametrize("seed", range(40))
def test_granular_groups_are_every_choice_that_fits(seed):
    """Against trying everything: suffixed groups, nobody sharing."""
    dice = random.Random(seed)
    snapshot = cloud(dice, nested=True, shared=False)
    request = Request({f"_{n}": group(dice, snapshot) for n in range(dice.choice([1, 2, 3]))},
                      isolate=dice.random() < 0.5)
    if dice.random() < 0.4:
        request.same_subtree = [set(request.groups)]
    expected = set()
    for choice in itertools.product(snapshot.nodes.values(), repeat=len(request.groups)):
        served = list(zip(request.groups.items(), choice, strict=True))
        if len({node.root for node in choice}) > 1:
            continue
        if not all(fits_alone(wanted, node, snapshot) for (_, wanted), node in served):
            continue
        if request.isolate and len({node.id for node in choice}) < len(choice):
            continue
        if request.same_subtree and not below_one(snapshot, {n.id for n in choice}):
            continue
        total = {}
        for (_, wanted), node in served:
            for class_id, amount in wanted.resources.items():
                total[node.id, class_id] = total.get((node.id, class_id), 0) + amount
        if all(amount <= snapshot.nodes[id_].stocks[c].room for (id_, c), amount in total.items()):
            expected.add((frozenset(total.items()), frozenset(
                (suffix, frozenset({node.id})) for (suffix, _), node in served)))
    assert said(request, candidates.find(snapshot, request))[0] == expected


def test_a_limit_is_kept_and_spreads_over_hosts():
    snapshot = cloud(random.Random(1), nested=False, shared=False)
    for node in list(snapshot.nodes.values()):
        full = copy.copy(node)
        full.stocks = {1: Stock(9, 0, 1, 9, 1)}
        snapshot._put(full)
    request = Request({"": Group({1: 1})}, limit=2)
    seen = set()
    for _ in range(50):
        found = candidates.find(snapshot, request)
        assert len(found.plain) == len(found.summaries) == 2
        seen |= {node.id for node in found.plain}
    assert seen == set(snapshot.nodes)  # Not the same few for everybody.
    fixed = [[n.id for n in candidates.find(snapshot, request, randomize=False).plain]
             for _ in range(2)]
    assert fixed[0] == fixed[1]
    assert len(candidates.find(snapshot, Request({"": Group({1: 1})}), most=3).plain) == 3


def devices(number, room):
    """A host with so many equal devices."""
    snapshot = Snapshot(None, NAMES)
    for id_ in range(1, number + 2):
        node = Node(SimpleNamespace(
            id=id_, uuid=f"u{id_}", name=f"n{id_}", generation=0, created_at=None, updated_at=None,
            parent_id=None if id_ == 1 else 1, root_id=1))
        if id_ > 1:
            node.stocks = {1: Stock(room, 0, 1, room, 1)}
        snapshot._put(node)
    return snapshot


@pytest.mark.parametrize(("groups", "isolate", "some"), [
    (16, True, True), (17, True, False), (17, False, False), (16, False, True),
])
def test_a_host_with_many_equal_devices_does_not_hold_up_the_others(groups, isolate, some):
    request = Request({f"_{n}": Group({1: 1}) for n in range(groups)}, isolate=isolate, limit=5)
    begun = time.process_time()
    found = candidates.find(devices(16, 1), request)
    assert bool(found.ways) == some
    assert time.process_time() - begun < 5


def test_what_nobody_finds_ends():
    request = Request({f"_{n}": Group({1: 2 if n else 3}) for n in range(12)})
    snapshot = devices(12, 2)  # One group fits nowhere after all, and none is too much by itself.
    for id_ in range(2, 8):
        snapshot.nodes[id_].stocks[1].room = 3
    begun = time.process_time()
    assert len(candidates.find(snapshot, request, most=10).ways) <= 10
    assert time.process_time() - begun < 5
