"""Regular expressions that somebody outside wrote, in the Rust engines that jsonschema-rs brings.

Python's own engine, and the database's, try every way in which a pattern may fit; for some
patterns there are more ways than seconds in a year, and Python holds every other thread meanwhile.
"""

from collections.abc import Callable

import jsonschema_rs

Search = Callable[[str], bool]

# Of a compiled pattern, in bytes; and the steps back that an operator's one may take.
SIZE, STEPS = 1 << 20, 100_000


def linear(pattern: str) -> Search:
    """For a user's: takes time by the length of the text alone, and knows neither what is around a
    match nor references back. Raises ValueError for what is no such pattern."""
    return _compiled(pattern, jsonschema_rs.RegexOptions(SIZE, SIZE))


def bounded(pattern: str) -> Search:
    """For an operator's, which may look around: what cannot be decided in STEPS does not fit.
    Raises ValueError for what is no pattern."""
    return _compiled(pattern, jsonschema_rs.FancyRegexOptions(STEPS, SIZE, SIZE))


def _compiled(
    pattern: str, options: jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions
) -> Search:
    try:
        return jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options).is_valid
    except jsonschema_rs.ValidationError:
        raise ValueError(f"'{pattern}' is not a regular expression known here") from None
