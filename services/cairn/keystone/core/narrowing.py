"""Tokens that may do less than what they were got with: for a helper that shall do one thing.

`POST /v3/auth/tokens` with {"auth": {.., "CAIRN:narrow": {"access_rules": [..], "seconds": n}}}.
What comes of it is told, checked and refused as the token of an application credential that has
those access rules: everybody who minds such rules minds these, and it gets no other token.
"""

import uuid
from dataclasses import replace

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.keystone.core.delegations import CREDENTIAL, PRIMARY
from cairn.keystone.core.scopes import Scope

NARROW = "CAIRN:narrow"


def narrow(
    scope: Scope, methods: list[str], request: Document, now: float
) -> tuple[Scope, list[str]]:
    """The scope and methods of a token that is good for these requests only, and not for longer.
    Raises Invalid where what was shown is a delegation: that one has its bounds."""
    if scope.extra or set(methods) - PRIMARY:
        raise Invalid(reason=f"Invalid input for field/attribute {NARROW}. Only a user's own token "
                             "is narrowed, not one of a trust or an application credential.")
    end = now + request["seconds"]
    told = {"id": uuid.uuid4().hex, "name": "narrowed", "restricted": True,
            "access_rules": request["access_rules"]}
    return (
        replace(scope, extra={CREDENTIAL: told},
                end=end if scope.end is None else min(end, scope.end)),
        [*methods, CREDENTIAL],
    )
