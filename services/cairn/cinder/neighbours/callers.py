"""Asking on the caller's behalf."""

from typing import Any

from cairn.common.context import Context


def as_caller(ctx: Context) -> dict[str, Any]:
    """Options of a request that shall see what the caller sees, and no more."""
    return {"headers": {"X-Auth-Token": ctx.token}} if ctx.token else {}
