"""What a host may do with an image, which has no account to do it by: one job, for some minutes."""

from typing import Any

from sqlalchemy import select

from cairn.common.errors import NotFound
from cairn.common.ledger import OPEN
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import specs
from cairn.nova.core.flows import create_backup, create_image, shelve
from cairn.nova.db.models import Work

# A token is looked at when a transfer begins, which may then take longer.
SECONDS = 300
# Works whose `image_id` is filled by a host.
FILLING = {action.kind: action
           for action in (create_image.ACTION, create_backup.ACTION, shelve.ACTION)}


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
    image = specs.image_of(row)
    if purpose != "read" or row.deleted or image is None or not image["id"]:
        return None
    return image["id"]


def _filled(nova: Nova, server_id: str) -> str | None:
    """The image that a work of the server's is to fill: none that the host has no part in."""
    with nova.db.reading() as session:
        works = session.execute(select(Work.kind, Work.args).where(
            Work.subject == server_id, Work.kind.in_(FILLING), Work.state.in_(OPEN)
        ).order_by(Work.seq)).all()
    return next((str(work.args["image_id"]) for work in works if work.args.get("image_id")
                 and rpc.COMPUTE in FILLING[work.kind].rooms(work.args)), None)
