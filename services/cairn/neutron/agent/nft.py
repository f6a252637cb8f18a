"""nftables tables as values, and the script that turns one into another. Pure.

Scripts are small where changes are small: the kernel takes a second for the whole of a thousand
ports, and a few milliseconds for one port more.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Chain:
    rules: tuple[str, ...] = ()
    # Where the kernel calls it: "type filter hook forward priority 0". Else it is jumped to.
    hook: str = ""


@dataclass(frozen=True)
class Set:
    """A set, or with `kind` "map" a map; elements as nft writes them."""

    type: str
    elements: frozenset[str] = frozenset()
    kind: str = "set"
    interval: bool = False


# (family, name of the chain, set or map), all in tables of one name.
Tables = dict[tuple[str, str], Chain | Set]


def replace(table: str, new: Tables) -> str:
    """Have this, whatever there was."""
    anew = (f"add table {family} {table}\ndelete table {family} {table}\n"
            f"add table {family} {table}\n" for family in _families(new))
    return "".join(anew) + change(table, {}, new)


def change(table: str, old: Tables, new: Tables) -> str:
    """From exactly `old` to `new`, in an order in which nothing is named before it is there, nor
    taken away while it is named."""
    return "".join(f"{line}\n" for line in _lines(table, old, new))


def _lines(table: str, old: Tables, new: Tables) -> Iterator[str]:
    gone = {key: thing for key, thing in old.items() if key not in new}
    for (family, name), thing in new.items():
        if (family, name) not in old:
            yield _declaration(f"{family} {table} {name}", thing)
    for (family, name), thing in [*new.items(), *((key, _nothing(t)) for key, t in gone.items())]:
        before = old.get((family, name))
        if thing != before:
            yield from _content(f"{family} {table} {name}", before, thing)
    for kind in (Chain, Set):
        for (family, name), thing in gone.items():
            if isinstance(thing, kind):
                word = "chain" if isinstance(thing, Chain) else thing.kind
                yield f"delete {word} {family} {table} {name}"


def _nothing(thing: Chain | Set) -> Chain | Set:
    return Chain(hook=thing.hook) if isinstance(thing, Chain) else Set(
        thing.type, kind=thing.kind, interval=thing.interval)


def _declaration(where: str, thing: Chain | Set) -> str:
    if isinstance(thing, Chain):
        hook = f" {{ {thing.hook}; policy accept; }}" if thing.hook else ""
        return f"add chain {where}{hook}"
    flags = " flags interval;" if thing.interval else ""
    return f"add {thing.kind} {where} {{ type {thing.type};{flags} }}"


def _content(where: str, before: Chain | Set | None, thing: Chain | Set) -> Iterator[str]:
    if isinstance(thing, Chain):
        if before is not None:
            yield f"flush chain {where}"
        for rule in thing.rules:
            yield f"add rule {where} {rule}"
        return
    had = before.elements if isinstance(before, Set) else frozenset()
    less, more = had - thing.elements, thing.elements - had
    if less and thing.interval:
        # Elements that overlap those they replace are refused within one transaction.
        yield f"flush set {where}"
        less, more = frozenset(), thing.elements
    for word, elements in (("delete", less), ("add", more)):
        if elements:
            yield f"{word} element {where} {{ {', '.join(sorted(elements))} }}"


def _families(tables: Tables) -> list[str]:
    return sorted({family for family, _ in tables})
