"""/os-assisted-volume-snapshots: how storage drivers ask a hypervisor for a snapshot of its file.

None of this cloud's does: a volume in use is its storage host's business (ADR 0022). So what is
asked for well is refused as what the hypervisor cannot do.
"""

import json

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import CLOSED, TEXT, Query, closed, queries
from cairn.nova.component import Nova
from cairn.nova.core import volumes
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/os-assisted-volume-snapshots"
_RULE = "os_compute_api:os-assisted-volume-snapshots"
_WORD = {"type": "string", "minLength": 1, "maxLength": 255}
_SNAPSHOT = closed(["snapshot"], snapshot=closed(
    ["volume_id", "create_info"], volume_id=_WORD,
    create_info=closed(["snapshot_id", "type", "new_file"], snapshot_id=_WORD,
                       type={"enum": ["qcow2"]}, new_file=_WORD, id=_WORD)))
_NOTHING = "there is nothing that it could change"


@api.post(PATH, policy=f"{_RULE}:create", body=_SNAPSHOT, changes_nothing=_NOTHING)
def create(nova: Nova, ctx: Context, body: Document) -> None:
    """Refused: no volume's file is a hypervisor's here."""
    volumes.refuse_assistance(nova, body["snapshot"]["volume_id"])


def remove(nova: Nova, ctx: Context, snapshot_id: str, query: Query) -> None:
    """Refused as creating one, once it was asked for well."""
    try:
        volume_id = json.loads(read_value(query, "delete_info") or "")["volume_id"]
    except (ValueError, KeyError, TypeError):
        raise Invalid(reason="delete_info: expected a JSON object with a volume_id.") from None
    volumes.refuse_assistance(nova, str(volume_id))


for _since, _until, _query in queries({(2, 1): {"delete_info": TEXT}}, closed_since=CLOSED):
    api.delete(PATH + "/<snapshot_id>", policy=f"{_RULE}:delete", status=204, query=_query,
               since=_since, until=_until, changes_nothing=_NOTHING)(remove)
