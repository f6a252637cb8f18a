"""Upstream's small language of requirements in extra specs."""

import operator

_NUMERIC = {"=": operator.ge, "==": operator.eq, "!=": operator.ne, ">=": operator.ge,
            "<=": operator.le}
_TEXTUAL = {"s==": operator.eq, "s!=": operator.ne, "s<": operator.lt, "s<=": operator.le,
            "s>": operator.gt, "s>=": operator.ge}


def matches(value: str, expected: str) -> bool:
    """Whether a value fits an extra spec's requirement."""
    words = expected.split()
    if not words:
        return value == expected
    verb, operands = words[0], words[1:]
    try:
        if verb in _NUMERIC and operands:
            return bool(_NUMERIC[verb](float(value), float(operands[0])))
    except ValueError:
        return False
    if verb in _TEXTUAL and operands:
        return bool(_TEXTUAL[verb](value, operands[0]))
    if verb == "<in>" and operands:
        return operands[0] in value
    if verb == "<all-in>":
        return all(operand in value for operand in operands)
    if verb == "<or>":
        return value in expected.replace("<or>", " ").split()
    return value == expected
