"""Access rules of application credentials: the only requests that their tokens may be used for."""

from functools import lru_cache

MOST = 64  # Rules of one credential.


def permits(rules: list[dict[str, str]], service: str, method: str, path: str) -> bool:
    """Whether an application credential's access rules let this request pass. In a rule's path *
    and {name} stand for one segment, or what is left of one, ** for anything."""
    return any(
        rule["service"] == service and rule["method"] == method and fits(rule["path"], path)
        for rule in rules[:MOST]
    )


def fits(pattern: str, path: str) -> bool:
    """Whether a rule's path means this one.

    All the places where the pattern read so far may end are looked at together, as the bits of one
    number: what is asked of a path takes the same few steps for any pattern, which users choose.
    """
    whole, places = (2 << len(path)) - 1, _places(path)
    inside = whole >> 1 & ~places.get("/", 0)
    ends = 1
    for part in _parts(pattern):
        if part == "**":
            ends = whole & -(ends & -ends)  # From the first of them on, everywhere.
        elif part == "*":
            begun = (ends & inside) << 1
            # The sum carries each bit to the end of its segment.
            ends = (((begun & inside) + inside) ^ inside) & whole | begun
        else:
            ends = (ends & places.get(part, 0)) << 1
        if not ends:
            return False
    return bool(ends >> len(path))


@lru_cache(64)
def _places(path: str) -> dict[str, int]:
    """Where each letter stands, as bits."""
    places = dict.fromkeys(path, 0)
    for place, letter in enumerate(path):
        places[letter] |= 1 << place
    return places


@lru_cache(1024)
def _parts(pattern: str) -> tuple[str, ...]:
    """Letters, and the wild ones between them."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        end = pattern.find("}", at) if pattern[at] == "{" else -1
        if pattern.startswith("**", at):
            parts.append("**")
            at += 2
        elif pattern[at] == "*":
            parts.append("*")
            at += 1
        elif end > at and not set(pattern[at + 1:end]) & set("/{"):
            parts.append("*")
            at = end + 1
        else:
            parts.append(pattern[at])
            at += 1
    return tuple(parts)
