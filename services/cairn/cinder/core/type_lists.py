"""Volume types as lists and show read them."""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.core.pages import page
from cairn.cinder.db.models import VolumeType
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Part, Query

T: Any = VolumeType.__table__.c
SORTABLE = {"id": T.id, "name": T.name, "created_at": T.created_at, "updated_at": T.updated_at,
            "is_public": T.is_public, "description": T.description}


def index(cinder: Cinder, ctx: Context, query: Query) -> Part:
    """The page that is asked for. Raises Invalid, NotFound for the marker."""
    conditions = _conditions(ctx, query)
    name = listing.read_value(query, "name")
    if name is not None:
        conditions.append(VolumeType.name == name)
    asked = listing.read_value(query, "extra_specs") if ctx.version >= (3, 52) else None
    with cinder.db.reading() as session:
        if asked is not None:
            conditions.append(VolumeType.id.in_(_with_specs(session, cinder, ctx, asked)))
        return page(session, VolumeType, query, SORTABLE, *conditions,
                    most=cinder.api.max_limit)


def show(cinder: Cinder, ctx: Context, type_id: str) -> VolumeType:
    """The type, if the caller may know of it. Raises TypeNotFound."""
    with cinder.db.reading() as session:
        return types.one(session, ctx, type_id)


def default(cinder: Cinder, ctx: Context) -> VolumeType:
    """The type of a volume of the caller's that names none. Raises TypeNotFound."""
    return cinder.db.write(lambda session: types.default(session, cinder, ctx.project))


def shown_specs(cinder: Cinder, ctx: Context, specs: dict[str, Any]) -> dict[str, Any]:
    """What the caller may see of extra specs: all, or what tells nothing of the deployment."""
    if cinder.policy.allows(ctx, "volume_extension:types_extra_specs:read_sensitive"):
        return specs
    return {key: value for key, value in specs.items() if key in OPEN}


# What a user needs to know of a type.
OPEN = ("RESKEY:availability_zones", "multiattach", "replication_enabled")


def _conditions(ctx: Context, query: Query) -> list[Any]:
    """Users see what they may use; administrators choose, and choose what is public by default."""
    asked = listing.read_value(query, "is_public")
    if not ctx.is_admin:
        return [types.visible(ctx)]
    if asked is not None and asked.lower() == "none":
        return []
    public = listing.read_flag(query, "is_public", True)
    return [types.usable(ctx)] if public else [VolumeType.is_public.is_(False)]


def _with_specs(session: Session, cinder: Cinder, ctx: Context, text: str) -> list[str]:
    """The types that have these specs, as the caller sees them."""
    try:
        asked = json.loads(text.replace("'", '"'))
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Invalid(reason="Invalid input for field/attribute extra_specs. "
                             "It is no object of keys and values.")
    rows = session.execute(select(VolumeType.id, VolumeType.extra_specs))
    return [row.id for row in rows
            if asked.items() <= shown_specs(cinder, ctx, row.extra_specs).items()]
