"""/servers/{id}/os-instance-actions"""

from cairn.common.api import Api, Document, Schema
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import PAGE_ONCE, Query, once, queries, read_limit
from cairn.nova.api.views import host_id, micro, next_link
from cairn.nova.component import Nova
from cairn.nova.core import actions, servers
from cairn.nova.core.values import check_order, moment
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/os-instance-actions"


def _action(ctx: Context, server_id: str, action: actions.Action) -> Document:
    shown: Document = {
        "action": action.kind, "instance_uuid": server_id, "request_id": action.request_id,
        "user_id": action.user_id, "project_id": action.project_id,
        "start_time": micro(action.started_at), "message": "Error" if action.failed else None,
    }
    if ctx.version >= (2, 58):
        shown["updated_at"] = micro(action.updated_at)
    return shown


def index(nova: Nova, ctx: Context, server_id: str, query: Query) -> Document:
    """List what was done to a server, the newest first."""
    since = before = None
    if ctx.version >= (2, 58) and "changes-since" in query:
        since = moment(query.getlist("changes-since")[-1], "changes-since")
    if ctx.version >= (2, 66) and "changes-before" in query:
        before = moment(query.getlist("changes-before")[-1], "changes-before")
    check_order(since, before)
    listed = actions.list_actions(nova, ctx, server_id, since=since, before=before)
    document: Document = {}
    if ctx.version >= (2, 58):
        listed, document = _paged(listed, query, nova)
    return {"instanceActions": [_action(ctx, server_id, action) for action in listed]} | document


_TIME: Schema = once({"type": "string", "format": "date-time"})
for _since, _until, _query in queries(
        {(2, 58): PAGE_ONCE | {"changes-since": _TIME},
         (2, 66): {"changes-before": _TIME}}, closed_since=(2, 58)):
    api.get(PATH, policy="os_compute_api:os-instance-actions:list", query=_query, since=_since,
            until=_until)(index)


def _paged(
    listed: list[actions.Action], query: Query, nova: Nova
) -> tuple[list[actions.Action], Document]:
    size, marker = read_limit(nova, query), read_value(query, "marker")
    if marker is not None:
        ids = [action.request_id for action in listed]
        if marker not in ids:
            raise Invalid(reason=f"marker [{marker}] not found")
        listed = listed[ids.index(marker) + 1:]
    page = listed[:size]
    if len(listed) > size and page:
        return page, {"links": next_link([{}] * size, size, page[-1].request_id)}
    return page, {}


@api.get(PATH + "/<request_id>", policy="os_compute_api:os-instance-actions:show")
def show(nova: Nova, ctx: Context, server_id: str, request_id: str) -> Document:
    """One action with its events: every step, as it happened or is happening. Before 2.51 those
    are an admin's."""
    action, project_id = actions.get_action(nova, ctx, server_id, request_id)
    all_of_it = nova.policy.allows(ctx, "os_compute_api:os-instance-actions:events")
    details = nova.policy.allows(ctx, "os_compute_api:os-instance-actions:events:details")
    shown = _action(ctx, server_id, action)
    if all_of_it or ctx.version >= (2, 51):
        shown["events"] = [
            _event(ctx, event, project_id, all_of_it, details) for event in action.events]
    return {"instanceAction": shown}


def _event(
    ctx: Context, event: actions.Event, project_id: str, all_of_it: bool, details: bool
) -> Document:
    host = event.runner.partition(".")[2]
    shown: Document = {
        "event": event.name, "start_time": micro(event.started_at),
        "finish_time": micro(event.finished_at), "result": actions.result(event),
    }
    if all_of_it:
        shown["traceback"] = event.error
    if ctx.version >= (2, 62):
        shown["hostId"] = host_id(project_id, host or event.runner)
        if all_of_it:
            shown["host"] = host or event.runner
    if ctx.version >= (2, 84):
        shown["details"] = event.error if details else _sentence(event.error, host)
    return shown


def _sentence(error: str | None, host: str) -> str | None:
    """What anybody may read of an error: its first line, and no host's name."""
    if not error:
        return None
    sentence = error.partition("\n")[0]
    return servers.without(host, sentence) if host else sentence
