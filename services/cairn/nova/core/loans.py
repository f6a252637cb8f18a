"""What a host may do with an image, which has no account to do it by: one job, for some minutes."""

from typing import Any

from sqlalchemy import select

from cairn.common.errors import NotFound
from cairn.common.flows import Action
from cairn.common.ledger import OPEN
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core.flows import create_image, rescue
from cairn.nova.db.models import Work

# A token is looked at when a transfer begins, which may then take longer.
SECONDS = 300


def lend(nova: Nova, row: Any, purpose: str) -> rpc.Loan:
    """The image is the server's own, never one that a host names. Raises NotFound."""
    image = {"read": _read, "fill": _filled, "rescue": _rescuing}.get(purpose)
    image_id = image(nova, row) if image is not None else None
    if image_id is None:
        raise NotFound(f"Image to {purpose} for server", row.id)
    path = f"/v2/images/{image_id}"
    requests = {
        "read": [("GET", f"{path}/file")], "rescue": [("GET", f"{path}/file")],
        # What became of it is looked at, where an earlier life of the host began to send.
        "fill": [("PUT", f"{path}/file"), ("GET", path)],
    }[purpose]
    url, token = nova.cloud.images.lend(requests, SECONDS)
    return {"image_id": image_id, "url": url + path, "token": token}


def _read(nova: Nova, row: Any) -> str | None:
    if row.deleted or not (row.image or {}).get("id"):
        return None
    return str(row.image["id"])


def _filled(nova: Nova, row: Any) -> str | None:
    """The image of the snapshot that is being taken: none that the host has no part in."""
    args = _args(nova, row.id, create_image.ACTION)
    if not args or rpc.COMPUTE not in create_image.ACTION.rooms(args):
        return None
    return str(args["image_id"])


def _rescuing(nova: Nova, row: Any) -> str | None:
    """The image that the server is being rescued from."""
    args = _args(nova, row.id, rescue.ACTION)
    return str(args["image"]["id"]) if args else None


def _args(nova: Nova, server_id: str, action: Action) -> dict[str, Any] | None:
    """Of the work that does the action now."""
    with nova.db.reading() as session:
        return session.scalar(select(Work.args).where(
            Work.subject == server_id, Work.kind == action.kind, Work.state.in_(OPEN)))
