"""The little languages of placement's query strings, as each microversion has them."""

import re
import uuid as uuids
from collections.abc import Callable

from cairn.common.api import Version
from cairn.common.errors import Invalid
from cairn.placement.core.names import Names
from cairn.placement.core.requests import Group

UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Whether the text is a uuid, with its dashes or without them."""
    return UUID.fullmatch(text) is not None


def dashed(text: str) -> str:
    """A uuid as it is written in the tables. Raises ValueError."""
    return str(uuids.UUID(text))


def add_resources(group: Group, names: Names, text: str) -> None:
    """ "VCPU:2,MEMORY_MB:512". Raises Invalid."""
    amounts: dict[str, int] = {}
    form = ("Badly formed resources parameter. Expected resources query string parameter in "
            "form: ?resources=VCPU:2,MEMORY_MB:1024. Got: ")
    if not text.strip():
        raise Invalid(reason=f"{form}empty string.")
    for item in text.split(","):
        name, colon, amount = item.partition(":")
        if not colon or ":" in amount:
            raise Invalid(reason=f"{form}{item}.")
        if not re.fullmatch(r"[+-]?\d{1,18}", amount.strip()):
            raise Invalid(reason=f"Requested resource {name} expected positive integer amount. "
                                 f"Got: {amount}.")
        if int(amount) < 1:
            raise Invalid(reason=f"Requested resource {name} requires amount >= 1. "
                                 f"Got: {int(amount)}.")
        amounts[name] = int(amount)
    ids = names.classes.ids(set(amounts))
    for name in amounts:
        if name not in ids:
            raise Invalid(reason="Invalid resource class in resources parameter: "
                                 f"No such resource class {name}.")
    group.resources = {ids[name]: amount for name, amount in sorted(amounts.items())}


def add_required(
    group: Group, names: Names, texts: list[str], version: Version, key: str = "required",
    prefix: str = "",
) -> None:
    """ "A,!B", from 1.39 on any number of times and also "in:A,B". Raises Invalid."""
    # A trait that is forbidden may be unknown no less than one that is required.
    for text in texts if version >= (1, 39) else texts[-1:]:
        if text.startswith("in:"):
            group.required.append(_any_of(names, text, version, prefix))
            continue
        items = [item.strip() for item in text.split(",")]
        bare = [item.lstrip("!") for item in items]
        may_forbid = version >= (1, 22)
        form = "HW_CPU_X86_VMX,!CUSTOM_MAGIC" if may_forbid else "HW_CPU_X86_VMX,CUSTOM_MAGIC"
        expected = f"Invalid query string parameters: Expected 'required' parameter value of the "\
                   f"form: {form}. Got"
        if not all(bare):
            raise Invalid(reason=f"{expected} an empty trait in: {text}")
        if bare != items and not may_forbid:
            raise Invalid(reason=f"{expected}: {text}")
        ids = _traits(names, bare, prefix)
        group.forbidden |= {ids[b] for b, item in zip(bare, items, strict=True) if b != item}
        group.required += [{ids[item]} for item in items if item in ids]
    conflicts = [any_of for any_of in group.required if any_of <= group.forbidden]
    if conflicts and version >= (1, 22):
        said = ", ".join(sorted(
            f"{key}: ({', '.join(sorted(names.traits.name(t) for t in any_of))})"
            for any_of in conflicts))
        raise Invalid(reason="Conflicting required and forbidden traits found in the following "
                             f"traits keys: {said}")


def _any_of(names: Names, text: str, version: Version, prefix: str) -> set[int]:
    wrong = "Invalid query string parameters: "
    if version < (1, 39):
        raise Invalid(reason=f"{wrong}The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' only supported "
                             f"since microversion 1.39. Got: {text}")
    items = [item.strip() for item in text[3:].split(",")]
    if not all(items):
        raise Invalid(reason=f"{wrong}Expected 'required' parameter value of the form: "
                             f"in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: {text}")
    if any(item.startswith("!") for item in items):
        raise Invalid(reason=f"{wrong}The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' does not "
                             f"support forbidden traits. Got: {text}")
    return set(_traits(names, items, prefix).values())


def _traits(names: Names, requested: list[str], prefix: str) -> dict[str, int]:
    ids = names.traits.ids(set(requested))
    unknown = sorted(set(requested) - ids.keys())
    if unknown:
        raise Invalid(reason=f"{prefix}No such trait(s): {', '.join(unknown)}.")
    return ids


def add_member_of(group: Group, texts: list[str], version: Version, suffix: str = "") -> None:
    """ "UUID", "in:UUID,UUID", "!UUID" or "!in:UUID,UUID". Raises Invalid."""
    if len(texts) > 1 and version < (1, 24):
        raise Invalid(reason=f"Multiple member_of{suffix} parameters are not supported")
    for text in texts:
        forbidden = text.startswith("!")
        bare = text[1:] if forbidden else text
        if bare.startswith("in:"):
            aggregates = set(bare[3:].split(","))
        elif "," in bare:
            raise Invalid(reason="Multiple values for 'member_of' must be prefixed with the 'in:' "
                                 "or '!in:' keyword using the valid microversion. "
                                 f"Got: {text}")
        else:
            aggregates = {bare}
        for item in sorted(aggregates):
            if not is_uuid(item):
                raise Invalid(reason="Invalid query string parameters: Expected 'member_of' "
                                     f"parameter to contain valid UUID(s). Got: {item}")
        if not forbidden:
            group.member_of.append(aggregates)
        elif version < (1, 32):
            raise Invalid(reason=f"Forbidden member_of{suffix} parameters are not supported in "
                                 "the specified microversion")
        else:
            group.not_member_of |= aggregates


def add_in_tree(group: Group, text: str) -> None:
    """Raises Invalid."""
    if not is_uuid(text.strip()):
        raise Invalid(reason="Invalid query string parameters: Expected 'in_tree' parameter to be "
                             f"a format of uuid. Got: {text}")
    group.in_tree = dashed(text.strip())


# How each word of a candidates' query is added to its group.
Adder = Callable[[Group, Names, list[str], Version, str], None]
WORDS: dict[str, Adder] = {
    "resources": lambda group, names, texts, version, suffix: add_resources(
        group, names, texts[-1]),
    "required": lambda group, names, texts, version, suffix: add_required(
        group, names, texts, version, f"required{suffix}"),
    "member_of": lambda group, names, texts, version, suffix: add_member_of(
        group, texts, version, suffix),
    "in_tree": lambda group, names, texts, version, suffix: add_in_tree(group, texts[-1]),
}
