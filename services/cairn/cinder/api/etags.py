"""Conditional changes of metadata, since 3.15: who read it may say which one it changes."""

from collections.abc import Callable

import flask

from cairn.cinder.core.metadata import Texts, digest
from cairn.common.api import Reply
from cairn.common.context import Context

SINCE = (3, 15)


def tagged(ctx: Context, texts: Texts) -> Reply:
    """The metadata, with what a later change of it may name."""
    headers = {"ETag": f'"{digest(texts)}"'} if ctx.version >= SINCE else {}
    return Reply({"metadata": texts}, headers=headers)


def condition(ctx: Context) -> Callable[[str], bool] | None:
    """Whether the change is meant for metadata of that digest; None where any is meant."""
    tags = flask.request.if_match
    if ctx.version < SINCE or not tags:
        return None
    return tags.contains
