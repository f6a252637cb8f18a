"""/os-server-external-events: what neighbours tell."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.api.schemas import UUID, closed
from cairn.nova.component import Nova
from cairn.nova.core import network, servers
from cairn.nova.policy import RULES

api = Api(RULES)

_EVENT = closed(["name", "server_uuid"], server_uuid=UUID, status={
    "enum": ["failed", "completed", "in-progress"]}, tag={"type": "string", "maxLength": 255},
    name={"enum": ["network-changed", "network-vif-plugged", "network-vif-unplugged",
                   "network-vif-deleted", "volume-extended", "volume-reimaged", "power-update",
                   "accelerator-request-bound"]})


@api.post("/os-server-external-events", policy="os_compute_api:os-server-external-events:create",
          body=closed(["events"], events={"type": "array", "minItems": 1, "items": _EVENT}),
          also=(207,), changes_nothing="what it tells of was recorded where it happened")
def create(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Neutron says what changed on a server's ports; what the API shows follows at once."""
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
        answers.append(answer)
    network.refresh(nova, ctx, list(concerned.values()))
    codes = {answer["code"] for answer in answers}
    if codes == {404}:
        raise NotFound("No instances found for any event", "")
    return Reply({"events": answers}, 200 if codes == {200} else 207)


