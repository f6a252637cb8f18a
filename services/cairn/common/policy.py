"""Named rules in oslo.policy's syntax: declared in code with their defaults, overridden in YAML.

The parsing and the checks are oslo.policy's. Its Enforcer is not used: it watches files and copies
credentials on every call; here the checks are called directly.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from oslo_policy import policy as oslo

from cairn.common.context import Context
from cairn.common.errors import Forbidden
from cairn.common.settings import BadSetting

SYSTEM, DOMAIN, PROJECT = "system", "domain", "project"
REMEMBERED = 8192  # Answers one process keeps.


@dataclass(frozen=True)
class Rule:
    """A check string, and the token scopes that it may be asked with (empty: any)."""

    check: str
    scopes: tuple[str, ...] = ()


Rules = Mapping[str, Rule]

# What upstream's defaults are made of ("consistent and secure RBAC"); components share the words.
BASE: dict[str, Rule] = {
    "admin_required": Rule("role:admin"),
    "context_is_admin": Rule("role:admin"),
    "service_api": Rule("role:service"),
    "project_manager_api": Rule("role:manager and project_id:%(project_id)s"),
    "project_member_api": Rule("role:member and project_id:%(project_id)s"),
    "project_reader_api": Rule("role:reader and project_id:%(project_id)s"),
    "project_manager_or_admin": Rule("rule:project_manager_api or rule:context_is_admin"),
    "project_member_or_admin": Rule("rule:project_member_api or rule:context_is_admin"),
    "project_reader_or_admin": Rule("rule:project_reader_api or rule:context_is_admin"),
}


class Policy:
    """A component's rules as they are in force in this process."""

    def __init__(self, rules: Rules, file: str = "") -> None:
        declared = {**BASE, **rules}
        checks = {name: rule.check for name, rule in declared.items()}
        if file and Path(file).exists():
            given = oslo.parse_file_contents(Path(file).read_text())
            unknown = sorted(set(given) - set(declared))
            if unknown:
                raise BadSetting(f"{file}: no such policy: {', '.join(unknown)}")
            checks |= given
        self.declared = declared
        # What the checks ask of a target: the names in their %(name)s.
        self.keys = frozenset(
            name for check in checks.values() for name in re.findall(r"%\((.+?)\)s", str(check)))
        self._checks = oslo.Rules.from_dict(checks)
        # All that a check wants of its enforcer.
        self._enforcer: Any = SimpleNamespace(rules=self._checks, conf=None)
        # A check says the same of the same caller and target, unless it asks a server; and
        # oslo.policy takes 20 us for each word of it.
        self._answers: dict[Any, bool] | None = (
            None if any("http:" in c or "https:" in c for c in checks.values()) else {}
        )

    def allows(self, ctx: Context, name: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether the caller may do `name` to `target` (the caller's own project, if not given)."""
        rule = self.declared[name]
        if rule.scopes and scope_of(ctx) not in rule.scopes:
            return False
        # Of what is a project's and nothing else, a rule may ask for no role.
        if rule.scopes == (PROJECT,) and ctx.project_id is None:
            return False
        if target is None:
            target = {"project_id": ctx.project_id, "user_id": ctx.user_id}
        answers = self._answers
        if answers is None:
            return self._check(ctx, name, target)
        try:
            key = (name, ctx.roles, ctx.user_id, ctx.project_id, ctx.domain_id, ctx.system,
                   ctx.user_domain_id, ctx.project_domain_id, *target.items())
            answer = answers.get(key)
        except TypeError:  # A target with lists or dicts in it.
            return self._check(ctx, name, target)
        if answer is None:
            if len(answers) >= REMEMBERED:
                answers.clear()
            answer = answers[key] = self._check(ctx, name, target)
        return answer

    def _check(self, ctx: Context, name: str, target: Mapping[str, Any]) -> bool:
        return bool(self._checks[name](target, credentials(ctx), self._enforcer, name))

    def enforce(self, ctx: Context, name: str, target: Mapping[str, Any] | None = None) -> None:
        """Raise Forbidden unless the caller may."""
        ENFORCED.names.append(name)
        if not self.allows(ctx, name, target):
            raise Forbidden(rule=name)


class _Enforced:
    """Which rules this request has been held against: an endpoint that enforces late must."""

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def names(self) -> list[str]:
        if not hasattr(self._local, "names"):
            self._local.names = []
        return self._local.names  # type: ignore[no-any-return]


ENFORCED = _Enforced()


def scope_of(ctx: Context) -> str:
    """What the caller's token is scoped to: SYSTEM, DOMAIN or PROJECT."""
    if ctx.system:
        return SYSTEM
    if ctx.domain_id:
        return DOMAIN
    # A token without a scope counts as a project's, as in oslo.policy.
    return PROJECT


def credentials(ctx: Context) -> dict[str, Any]:
    """The caller in the words that upstream's check strings use."""
    return {
        "user_id": ctx.user_id,
        "user_domain_id": ctx.user_domain_id,
        "project_id": ctx.project_id,
        "tenant_id": ctx.project_id,
        "project_domain_id": ctx.project_domain_id,
        "domain_id": ctx.domain_id,
        "system": "all" if ctx.system else None,
        "system_scope": "all" if ctx.system else None,
        "roles": list(ctx.roles),
        "is_admin": ctx.is_admin,
        "is_admin_project": True,
        # Keystone's own rules look into the token.
        "token": {"domain": {"id": ctx.domain_id},
                  "project": {"domain": {"id": ctx.project_domain_id}}},
    }
