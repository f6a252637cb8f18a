"""What a host may do with an image, which has no account to do it by: one job, for some minutes."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, select

from cairn.common.errors import NotFound
from cairn.common.ledger import OPEN
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import specs
from cairn.nova.core.flows import create_backup, create_image, rescue, shelve
from cairn.nova.db.models import Work

# A token is looked at when a transfer begins, which may then take longer.
SECONDS = 300
# Works whose `image_id` is filled by a host.
FILLING = {action.kind: action
           for action in (create_image.ACTION, create_backup.ACTION, shelve.ACTION)}


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
    image = specs.image_of(row)
    return None if row.deleted or image is None else image["id"] or None


def _filled(nova: Nova, row: Any) -> str | None:
    """The image that a work of the server's is to fill: none that the host has no part in."""
    return next((str(work.args["image_id"]) for work in _works(nova, row.id, FILLING)
                 if work.args.get("image_id")
                 and rpc.COMPUTE in FILLING[work.kind].rooms(work.args)), None)


def _rescuing(nova: Nova, row: Any) -> str | None:
    """The image that the server is being rescued from."""
    works = _works(nova, row.id, [rescue.ACTION.kind])
    return next((str(work.args["image"]["id"]) for work in works), None)


def _works(nova: Nova, server_id: str, kinds: Iterable[str]) -> Sequence[Row[Any]]:
    """Open ones of the server's, oldest first: (kind, args)."""
    with nova.db.reading() as session:
        return session.execute(select(Work.kind, Work.args).where(
            Work.subject == server_id, Work.kind.in_(list(kinds)), Work.state.in_(OPEN)
        ).order_by(Work.seq)).all()
