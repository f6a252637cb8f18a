"""/os-volume-transfer, and /volume-transfers since 3.55: volumes change hands."""

from cairn.cinder.api.pages import following, queries
from cairn.cinder.api.schemas import (
    BOOLEAN,
    NAME_OR_NONE,
    UUID,
    Query,
    closed,
    is_true,
    stripped,
    wrapped,
)
from cairn.cinder.api.views import transfer as view
from cairn.cinder.component import Cinder
from cairn.cinder.core import transfers
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

OLD, NEW = "os-volume-transfer", "volume-transfers"
LIST = queries("all_tenants", "offset", *transfers.FILTERS)
CREATE = wrapped("transfer", closed(["volume_id"], volume_id=UUID, name=NAME_OR_NONE))
CREATE_NEW = wrapped("transfer", closed(
    ["volume_id"], volume_id=UUID, name=NAME_OR_NONE, no_snapshots=BOOLEAN))
ACCEPT = wrapped("accept", closed(["auth_key"], auth_key={
    "type": "string", "minLength": 1, "maxLength": 255}))


def _listed(
    cinder: Cinder, ctx: Context, query: Query, path: str, *, detailed: bool
) -> Document:
    part = transfers.page(cinder, ctx, query)
    return {"transfers": [view(ctx, row, detailed=detailed) for row in part.rows],
            **following("transfers_links", path, query, part)}


def _created(cinder: Cinder, ctx: Context, body: Document) -> Document:
    asked = body["transfer"]
    made = transfers.create(cinder, ctx, asked["volume_id"], stripped(asked.get("name")),
                            no_snapshots=is_true(asked.get("no_snapshots", False)))
    return {"transfer": {**view(ctx, made.row), "auth_key": made.key}}


def _accepted(cinder: Cinder, ctx: Context, transfer_id: str, body: Document) -> Document:
    row = transfers.accept(cinder, ctx, transfer_id, body["accept"]["auth_key"])
    return {"transfer": view(ctx, row, detailed=False)}


@api.get(f"/{OLD}", policy="volume:get_all_transfers", query=LIST)
def old_index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List offers that nobody took yet."""
    return _listed(cinder, ctx, query, OLD, detailed=False)


@api.get(f"/{OLD}/detail", policy="volume:get_all_transfers", query=LIST)
def old_detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List offers that nobody took yet, and since when they are open."""
    return _listed(cinder, ctx, query, f"{OLD}/detail", detailed=True)


@api.get(f"/{OLD}/<transfer_id>", policy="volume:get_transfer")
def old_show(cinder: Cinder, ctx: Context, transfer_id: str) -> Document:
    """Show an offer."""
    return {"transfer": view(ctx, transfers.show(cinder, ctx, transfer_id))}


@api.post(f"/{OLD}", policy="volume:create_transfer", body=CREATE, status=202,
          event="volume.transfer.create")
def old_create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Offer a volume, with its snapshots, to whoever shows the key that is answered."""
    return _created(cinder, ctx, body)


@api.delete(f"/{OLD}/<transfer_id>", policy="volume:delete_transfer", status=202,
            event="volume.transfer.delete")
def old_delete(cinder: Cinder, ctx: Context, transfer_id: str) -> None:
    """Take an offer back."""
    transfers.delete(cinder, ctx, transfer_id)


@api.post(f"/{OLD}/<transfer_id>/accept", policy="volume:accept_transfer", body=ACCEPT, status=202,
          event="volume.transfer.accept")
def old_accept(cinder: Cinder, ctx: Context, transfer_id: str, body: Document) -> Document:
    """Take a volume that is offered."""
    return _accepted(cinder, ctx, transfer_id, body)


@api.get(f"/{NEW}", policy="volume:get_all_transfers", query=LIST, since="3.55")
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List offers that nobody took yet."""
    return _listed(cinder, ctx, query, NEW, detailed=False)


@api.get(f"/{NEW}/detail", policy="volume:get_all_transfers", query=LIST, since="3.55")
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List offers that nobody took yet, and between whom they are."""
    return _listed(cinder, ctx, query, f"{NEW}/detail", detailed=True)


@api.get(f"/{NEW}/<transfer_id>", policy="volume:get_transfer", since="3.55")
def show(cinder: Cinder, ctx: Context, transfer_id: str) -> Document:
    """Show an offer."""
    return {"transfer": view(ctx, transfers.show(cinder, ctx, transfer_id))}


@api.post(f"/{NEW}", policy="volume:create_transfer", body=CREATE_NEW, status=202, since="3.55",
          event="volume.transfer.create")
def create(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Offer a volume, with or without its snapshots, to whoever shows the key that is answered."""
    return _created(cinder, ctx, body)


@api.delete(f"/{NEW}/<transfer_id>", policy="volume:delete_transfer", status=202, since="3.55",
            event="volume.transfer.delete")
def delete(cinder: Cinder, ctx: Context, transfer_id: str) -> None:
    """Take an offer back."""
    transfers.delete(cinder, ctx, transfer_id)


@api.post(f"/{NEW}/<transfer_id>/accept", policy="volume:accept_transfer", body=ACCEPT, status=202,
          since="3.55", event="volume.transfer.accept")
def accept(cinder: Cinder, ctx: Context, transfer_id: str, body: Document) -> Document:
    """Take a volume that is offered."""
    return _accepted(cinder, ctx, transfer_id, body)
