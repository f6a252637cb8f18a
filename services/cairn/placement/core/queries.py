"""The little languages of placement's query strings."""

from cairn.common.errors import Invalid
from cairn.placement.core.candidates import Group
from cairn.placement.core.names import Names


def resources(text: str) -> dict[str, int]:
    """ "VCPU:2,MEMORY_MB:512". Raises Invalid."""
    wanted = {}
    for item in text.split(","):
        name, colon, amount = item.partition(":")
        if not colon or not amount.isdigit() or int(amount) < 1 or not name:
            raise Invalid(reason="Badly formed resources parameter. Expected resources query "
                                 f"string parameter in form: ?resources=VCPU:2; Got: {text}.")
        wanted[name] = int(amount)
    return wanted


def add_resources(group: Group, names: Names, text: str) -> None:
    wanted = resources(text)
    ids = names.classes.ids(set(wanted))
    unknown = sorted(wanted.keys() - ids.keys())
    if unknown:
        raise Invalid(reason=f"Invalid resource class in resources parameter: {unknown[0]}")
    group.resources = {ids[name]: amount for name, amount in wanted.items()}


def add_required(group: Group, names: Names, texts: list[str]) -> None:
    """ "A,!B" (any number of times), or "in:A,B"."""
    for text in texts:
        if text.startswith("in:"):
            group.required.append(set(_traits(names, text[3:].split(",")).values()))
            continue
        for item in text.split(","):
            forbidden = item.startswith("!")
            name = item.lstrip("!")
            number = _traits(names, [name])[name]
            if forbidden:
                group.forbidden.add(number)
            else:
                group.required.append({number})
    if any(len(r) == 1 and r <= group.forbidden for r in group.required):
        raise Invalid(reason="Conflicting required traits: a trait is required and forbidden.")


def _traits(names: Names, wanted: list[str]) -> dict[str, int]:
    if not all(wanted):
        raise Invalid(reason="Invalid query string parameters: Expected 'required' parameter "
                             "value of the form: HW_CPU_X86_VMX,!CUSTOM_MAGIC.")
    ids = names.traits.ids(set(wanted))
    unknown = sorted(set(wanted) - ids.keys())
    if unknown:
        raise Invalid(reason=f"No such trait(s): {', '.join(unknown)}.")
    return ids


def add_member_of(group: Group, texts: list[str]) -> None:
    """ "UUID", "in:UUID,UUID", "!UUID" or "!in:UUID,UUID"."""
    for text in texts:
        forbidden = text.startswith("!")
        bare = text.lstrip("!")
        wanted = set(bare[3:].split(",") if bare.startswith("in:") else [bare])
        if not all(len(w.replace("-", "")) == 32 for w in wanted):
            raise Invalid(reason="Invalid query string parameters: Expected 'member_of' parameter "
                                 f"to contain valid UUID(s). Got: {text}")
        if forbidden:
            group.not_member_of |= wanted
        else:
            group.member_of.append(wanted)
