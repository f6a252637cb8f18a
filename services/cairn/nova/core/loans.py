"""What a host may do with an image, which has no account to do it by: one job, for some minutes."""

from typing import Any

from sqlalchemy import select

from cairn.common.errors import NotFound
from cairn.common.ledger import OPEN
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core.flows import create_image
from cairn.nova.db.models import Work

# A token is looked at when a transfer begins, which may then take longer.
SECONDS = 300


def lend(nova: Nova, row: Any, purpose: str) -> rpc.Loan:
    """The image is the server's own, never one that a host names. Raises NotFound."""
    image_id = _filled(nova, row.id) if purpose == "fill" else _read(row, purpose)
    if image_id is None:
        raise NotFound(f"Image to {purpose} for server", row.id)
    path = f"/v2/images/{image_id}"
    requests = {
        "read": [("GET", f"{path}/file")],
        # What became of it is looked at, where an earlier life of the host began to send.
        "fill": [("PUT", f"{path}/file"), ("GET", path)],
    }[purpose]
    url, token = nova.cloud.images.lend(requests, SECONDS)
    return {"image_id": image_id, "url": url + path, "token": token}


def _read(row: Any, purpose: str) -> str | None:
    if purpose != "read" or row.deleted or not (row.image or {}).get("id"):
        return None
    return str(row.image["id"])


def _filled(nova: Nova, server_id: str) -> str | None:
    """The image of the snapshot that is being taken: none that the host has no part in."""
    with nova.db.reading() as session:
        args = session.scalar(select(Work.args).where(
            Work.subject == server_id, Work.kind == create_image.ACTION.kind, Work.state.in_(OPEN)))
    if not args or rpc.COMPUTE not in create_image.ACTION.rooms(args):
        return None
    return str(args["image_id"])
