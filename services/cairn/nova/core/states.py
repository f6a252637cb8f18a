"""A server's states: what the API calls each pair of vm_state and task_state."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_

from cairn.nova.db.models import Server

S: Any = Server.__table__.c

# (vm_state, task_state) where the task changes the word; else the word of the vm_state alone.
PLAIN = {
    "active": "ACTIVE", "building": "BUILD", "stopped": "SHUTOFF", "paused": "PAUSED",
    "suspended": "SUSPENDED", "rescued": "RESCUE", "resized": "VERIFY_RESIZE", "error": "ERROR",
    "deleted": "DELETED", "soft-delete": "SOFT_DELETED", "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
}
_RESIZING = dict.fromkeys(
    ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish"), "RESIZE"
)
_REBUILDING = dict.fromkeys(
    ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning"), "REBUILD"
)
_BY_TASK: dict[str, dict[str, str]] = {
    "active": {
        **dict.fromkeys(("rebooting", "reboot_pending", "reboot_started"), "REBOOT"),
        **dict.fromkeys(
            ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"), "HARD_REBOOT"
        ),
        "updating_password": "PASSWORD", "migrating": "MIGRATING", **_REBUILDING, **_RESIZING,
    },
    "stopped": {
        **dict.fromkeys(
            ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"), "HARD_REBOOT"
        ),
        **_RESIZING, **_REBUILDING,
    },
    "resized": {"resize_reverting": "REVERT_RESIZE"},
    "paused": {"migrating": "MIGRATING"},
    "error": _REBUILDING,
}

STATUSES = {*PLAIN.values(), *(s for tasks in _BY_TASK.values() for s in tasks.values())}


def status(vm_state: str, task_state: str | None) -> str:
    """What the API calls a server in that state with that task; UNKNOWN for a state it has not."""
    word = _BY_TASK.get(vm_state, {}).get(task_state or "")
    return word or PLAIN.get(vm_state, "UNKNOWN")


def having(statuses: Iterable[str]) -> ColumnElement[bool]:
    """Servers that the API shows in one of these statuses."""
    words = {word.upper() for word in statuses}
    cases: list[ColumnElement[bool]] = []
    for vm_state, plain in PLAIN.items():
        tasks = _BY_TASK.get(vm_state, {})
        named = [task for task, word in tasks.items() if word in words]
        if named:
            cases.append(and_(S.vm_state == vm_state, S.task_state.in_(named)))
        if plain in words:
            here = S.vm_state == vm_state
            if tasks:
                here = and_(here, or_(S.task_state.is_(None),
                                      S.task_state.not_in(list(tasks))))
            cases.append(here)
    return or_(*cases) if cases else false()
