"""Roles given to users and groups: on projects, on domains, on the system, and by inheritance.

The paths differ only in who gets the role and where; each is declared here by the same four verbs.
"""

from collections.abc import Callable
from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import roles
from cairn.keystone.api.views import collection
from cairn.keystone.component import Keystone
from cairn.keystone.core import grants
from cairn.keystone.core.grants import Kind
from cairn.keystone.policy import RULES

api = Api(RULES)
EVENTS = {"PUT": "identity.role_assignment.created", "DELETE": "identity.role_assignment.deleted"}


class Grants:
    """The verbs at one kind of path."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def index(self, keystone: Keystone, ctx: Context, **ids: str) -> Document:
        """List the roles that were given here; not what groups, inheritance or other roles add."""
        return collection("roles", map(
            roles.view, grants.list_roles(keystone, ctx, self.kind, **ids)))

    def check(self, keystone: Keystone, ctx: Context, **ids: str) -> None:
        """Check that a role was given here; 404 if not."""
        grants.check(keystone, ctx, self.kind, **ids)

    def create(self, keystone: Keystone, ctx: Context, **ids: str) -> None:
        """Give a role; to repeat it changes nothing."""
        grants.create(keystone, ctx, self.kind, **ids)

    def revoke(self, keystone: Keystone, ctx: Context, **ids: str) -> None:
        """Take a role away; the tokens and trusts that have it by this end."""
        grants.revoke(keystone, ctx, self.kind, **ids)


def _declare(path: str, kind: Kind) -> None:
    one = f"{path}/<role_id>"
    end = ""
    if kind.inherited:
        path, one, end = f"/OS-INHERIT{path}", f"/OS-INHERIT{one}", "/inherited_to_projects"
    verbs = Grants(kind)
    declared: list[tuple[str, str, str, int, Callable[..., Any]]] = [
        ("GET", path + end, "list", 200, verbs.index),
        ("GET", one + end, "check", 204, verbs.check),
        ("PUT", one + end, "create", 204, verbs.create),
        ("DELETE", one + end, "revoke", 204, verbs.revoke),
    ]
    for method, where, verb, status, func in declared:
        api.on(method, where, policy=kind.policy(verb), status=status, late=True,
               event=EVENTS.get(method))(func)


for _who in ("user", "group"):
    _declare(f"/system/{_who}s/<actor_id>/roles", Kind("system", _who))
    for _where in ("project", "domain"):
        _path = f"/{_where}s/<place_id>/{_who}s/<actor_id>/roles"
        _declare(_path, Kind(_where, _who))
        _declare(_path, Kind(_where, _who, inherited=True))
