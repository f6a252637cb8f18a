"""/os-server-external-events: what neighbours tell."""

from cairn.common.api import Api, Document, Reply, Version
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.api.schemas import UUID, closed, ranges
from cairn.nova.component import Nova
from cairn.nova.core import network, servers, volumes
from cairn.nova.policy import RULES

api = Api(RULES)

# Names of events, and since when there are such.
_NAMES: dict[str, Version] = {
    "network-changed": (2, 1), "network-vif-plugged": (2, 1), "network-vif-unplugged": (2, 1),
    "network-vif-deleted": (2, 1), "volume-extended": (2, 51), "power-update": (2, 76),
    "accelerator-request-bound": (2, 82), "volume-reimaged": (2, 93),
}


def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Neutron says what changed on a server's ports, and what the API shows follows at once; Cinder
    that a volume was extended, which its guest is shown."""
    answers: list[Document] = []
    rows = servers.get_rows(nova, {event["server_uuid"] for event in body["events"]})
    concerned = {}
    for event in body["events"]:
        answer: Document = {"status": "completed"} | event
        row = rows.get(event["server_uuid"])
        if row is None:
            answer |= {"status": "failed", "code": 404}
        elif row.host is None:
            answer |= {"status": "failed", "code": 422}
        else:
            answer["code"] = 200
            if event["name"].startswith("network-"):
                concerned[row.id] = row
            elif event["name"] == "volume-extended":
                volumes.extended(nova, ctx, row, event.get("tag") or "")
        answers.append(answer)
    network.refresh(nova, ctx, list(concerned.values()))
    codes = {answer["code"] for answer in answers}
    if codes == {404}:
        raise NotFound("No instances found for any event", "")
    return Reply({"events": answers}, 200 if codes == {200} else 207)


def _body(version: Version) -> Document:
    event = closed(
        ["name", "server_uuid"], server_uuid=UUID, tag={"type": "string", "maxLength": 255},
        status={"enum": ["failed", "completed", "in-progress"]},
        name={"enum": [name for name, since in _NAMES.items() if since <= version]})
    return closed(["events"], events={"type": "array", "minItems": 1, "items": event})


for _since, _until, _version in ranges(sorted(set(_NAMES.values()))):
    api.post("/os-server-external-events",
             policy="os_compute_api:os-server-external-events:create", body=_body(_version),
             since=_since, until=_until, also=(207,),
             changes_nothing="what it tells of was recorded where it happened")(create)
