"""POST /servers/{id}/action createBackup: a server's root disk, as one of its last few backups."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.nova.api.schemas import COUNT, METADATA, NAME, closed
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core import backups
from cairn.nova.core.flows import create_backup
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"
BODY = closed(["createBackup"], createBackup=closed(
    ["name", "backup_type", "rotation"], name=NAME, rotation=COUNT, metadata=METADATA,
    backup_type={"type": "string", "maxLength": 255}))
POLICY = "os_compute_api:os-create-backup"


@api.post(PATH, action="createBackup", policy=POLICY, status=202, until="2.44", body=BODY,
          event=create_backup.ACTION.event)
def create(nova: Nova, ctx: Context, server_id: str, body: Document) -> Reply:
    """Make a backup of a server's root disk and delete the oldest; the answer's Location tells its
    id, unless none is kept."""
    image_id = backups.ask(nova, ctx, server_id, body["createBackup"])
    if int(body["createBackup"]["rotation"]) == 0:
        return Reply(None, 202)
    return Reply(None, 202, {"Location": f"{roots()[0]}/images/{image_id}"})


@api.post(PATH, action="createBackup", policy=POLICY, status=202, since="2.45", body=BODY,
          event=create_backup.ACTION.event)
def create_named(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """The same, with the image's id in the answer (microversion 2.45)."""
    return {"image_id": backups.ask(nova, ctx, server_id, body["createBackup"])}
