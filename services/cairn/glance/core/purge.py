"""What glance forgets, and what bounds the rest."""

from cairn.common import events
from cairn.common.db import Database
from cairn.common.ledger import OPEN
from cairn.common.purge import DAY, Age, Purge, ended
from cairn.glance.core import deleted
from cairn.glance.db.data import Task, Work
from cairn.glance.db.models import Event, EventReader
from cairn.glance.settings import WorkerProcess

PROCESS = "glance-worker"

_IMAGE, _ADMIN = "goes with its image", "the operator's"
KEPT = {
    "image_properties": _IMAGE, "image_tags": _IMAGE, "image_members": _IMAGE,
    "image_locations": _IMAGE, "cached_images": "the images that a host keeps copies of",
    "metadef_namespaces": _ADMIN, "metadef_objects": _ADMIN, "metadef_properties": _ADMIN,
    "metadef_tags": _ADMIN, "metadef_resource_types": _ADMIN,
    "metadef_namespace_resource_types": _ADMIN,
    "spent_ids": "the images that there ever were: 36 bytes each",
    "periodic": "one row for each periodic thing",
}


def make(settings: WorkerProcess, db: Database, cloud: object = None) -> Purge:
    """What glance-worker forgets by itself: expired tasks, ended works, deleted images, and events
    that are old."""
    own = settings.purge
    return Purge(db, own, (
        # They say themselves when they end.
        Age("tasks", ("tasks",), 1.0, ended(Task, Task.id, Task.expires_at)),
        Age("works", ("work", "work_steps"), settings.imports.task_hours * 3600.0, ended(
            Work, Work.seq, Work.finished_at, Work.state.not_in(OPEN))),
        Age("deleted images", ("images", "usage_locks"), own.deleted_days * DAY, deleted.purge),
        events.age(Event, EventReader, own),
    ))
