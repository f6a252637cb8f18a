"""Property protections: which properties of images a caller may create, read, update, delete.

The file's format is that of the image service's administration guide, "Property protections":
a section for each regular expression, and in it for each operation the roles (or the one policy)
that may do it, @ for everybody, ! for nobody. The first section that fits a name decides; a name
that none fits is nobody's.
"""

from configparser import ConfigParser, Error
from pathlib import Path
from typing import TypeVar

from cairn.common.context import Context
from cairn.common.patterns import Search, bounded
from cairn.common.policy import Policy
from cairn.common.settings import BadSetting

T = TypeVar("T")
OPERATIONS = ("create", "read", "update", "delete")
FORMATS = ("roles", "policies")
# What names fit, and who may do each operation to them.
Entry = tuple[Search, dict[str, tuple[str, ...]]]
# Glance's own properties, which nobody sets by hand anyway.
OURS: Entry = (bounded("os_glance"), dict.fromkeys(OPERATIONS, ("@",)))
REMEMBERED = 8192


class Protections:
    """The rules of one file; without a file everything is allowed. Raises BadSetting."""

    def __init__(self, file: str = "", form: str = "roles") -> None:
        if form not in FORMATS:
            raise BadSetting(f"property_protection_rule_format: {form} is not one of "
                             f"{', '.join(FORMATS)}")
        self.form = form
        self.rules = [OURS, *_read(file, form)] if file else []
        self._known: dict[tuple[str, str, frozenset[str]], bool] = {}

    @property
    def policies(self) -> set[str]:
        """The names of policies that the file asks for: the policy file says what they are."""
        if self.form != "policies":
            return set()
        return {name for _, rule in self.rules for who in rule.values() for name in who
                if name not in "@!"}

    def allows(self, policy: Policy, ctx: Context, operation: str, name: str) -> bool:
        if not self.rules:
            return True
        key = (operation, name, ctx.roles)
        answer = self._known.get(key) if self.form == "roles" else None
        if answer is None:
            answer = self._decide(policy, ctx, operation, name)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = answer
        return answer

    def readable(self, policy: Policy, ctx: Context, properties: dict[str, T]) -> dict[str, T]:
        if not self.rules:
            return properties
        return {n: v for n, v in properties.items() if self.allows(policy, ctx, "read", n)}

    def _decide(self, policy: Policy, ctx: Context, operation: str, name: str) -> bool:
        who = next((rule[operation] for fits, rule in self.rules if fits(name)), ())
        if "!" in who:
            return False
        if "@" in who:
            return True
        if self.form == "policies":
            return any(policy.allows(ctx, rule) for rule in who)
        return not {role.lower() for role in who}.isdisjoint(role.lower() for role in ctx.roles)


def _read(file: str, form: str) -> list[Entry]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(Path(file).read_text())
    except (OSError, Error) as wrong:
        raise BadSetting(f"property_protection_file: {wrong}") from wrong
    rules = []
    for section in parser.sections():
        try:
            fits = bounded(section)
        except ValueError as wrong:
            raise BadSetting(f"{file}: {wrong}") from wrong
        rule = {}
        for operation in OPERATIONS:
            if operation not in parser[section]:
                raise BadSetting(f"{file} [{section}]: {operation} is missing")
            who = tuple(w.strip() for w in parser[section][operation].split(",") if w.strip())
            if ("@" in who and "!" in who) or (form == "policies" and len(who) > 1):
                raise BadSetting(f"{file} [{section}] {operation}: {', '.join(who)} contradict "
                                 "each other")
            rule[operation] = who
        rules.append((fits, rule))
    return rules
