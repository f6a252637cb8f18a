"""Messages: why something that was begun did not come to its end, for its owner."""

import datetime as dt

from sqlalchemy.orm import Session

from cairn.cinder.db.models import Message
from cairn.common.context import Context
from cairn.common.db import utcnow

DAYS = 30

# The last two parts of an event's id, as upstream counts them: what was tried, what went wrong.
ACTIONS = {
    "create": ("001", "schedule allocate volume"), "attach_volume": ("002", "attach volume"),
    "copy_volume_to_image": ("003", "copy volume to image"),
    "update_attachment": ("004", "update attachment"),
    "copy_image_to_volume": ("005", "copy image to volume"),
    "unmanage": ("006", "unmanage volume"), "extend": ("007", "extend volume"),
    "create_from_backend": ("008", "create volume from backend storage"),
    "create_snapshot": ("009", "create snapshot"), "delete_snapshot": ("010", "delete snapshot"),
    "update_snapshot": ("011", "update snapshot"),
    "update_snapshot_metadata": ("012", "update snapshot metadata"),
    "backup_create": ("013", "create backup"), "backup_delete": ("014", "delete backup"),
    "restore_backup": ("015", "restore backup"),
    "backup_restore": ("015", "restore backup"),
    "manage": ("016", "manage existing volume"),
    "reimage": ("017", "reimage volume"), "retype": ("018", "retype volume"),
    "migrate": ("019", "migrate volume"), "delete": ("020", "delete volume"),
    "revert": ("021", "revert volume to snapshot"),
    "create_group_snapshot": ("022", "create group snapshot"),
    "delete_group_snapshot": ("023", "delete group snapshot"),
}
UNKNOWN = "001"
DETAILS = {"BackendDown": "002", "NoValidBackend": "003", "OverLimit": "006", "NoRoom": "007"}
# What a work keeps of a failure is its words: those that tell which it was.
TOLD_BY = {"No valid backend was found.": "NoValidBackend",
           "The storage backend is full": "NoRoom",
           "The volume's storage host has no room": "NoRoom"}
# What may be done, where the words of a failure do not say so themselves.
ADVICE = {"The storage backend is full":
          "Delete what is not needed there, or ask an administrator for room; then try again."}
KINDS = {"volume": "VOLUME", "snapshot": "VOLUME_SNAPSHOT", "backup": "VOLUME_BACKUP",
         "group": "GROUP", "group_snapshot": "GROUP_SNAPSHOT"}


def add(
    session: Session, ctx: Context, action: str, resource_type: str, resource_id: str,
    project_id: str, error: str, *, cause: str = "",
) -> None:
    """Tell the owner, in the transaction that records the failure. `error` is one line that says
    what was wrong and what may be done; `cause` the name of its class, where those words do not
    tell."""
    code, words = ACTIONS.get(action, ("000", action))
    cause = cause or next((name for told, name in TOLD_BY.items() if error.startswith(told)), "")
    detail = DETAILS.get(cause, UNKNOWN)
    advice = next((f". {does}" for told, does in ADVICE.items() if error.startswith(told)), "")
    session.add(Message(
        project_id=project_id, request_id=ctx.request_id, resource_type=KINDS[resource_type],
        resource_id=resource_id, event_id=f"VOLUME_{KINDS[resource_type]}_{code}_{detail}",
        text=f"{words}: {error.partition(chr(10))[0]}{advice}",
        expires_at=utcnow() + dt.timedelta(days=DAYS),
    ))
