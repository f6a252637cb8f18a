"""/os-instance_usage_audit_log: what hosts have told of what was used; ours do not tell it so."""

import datetime as dt

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.nova.component import Nova
from cairn.nova.core import hosts, services
from cairn.nova.policy import RULES

api = Api(RULES)

_RULE = "os_compute_api:os-instance-usage-audit-log"


def period(before: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The last month that was over before then. Raises Invalid where there is none."""
    end = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        if end == before:  # That month is not over before then, but just then.
            end = _month_before(end)
        return _month_before(end), end
    except OverflowError:
        raise Invalid(reason=f"Invalid timestamp for date {before}: it is too early.") from None


def _month_before(first: dt.datetime) -> dt.datetime:
    return (first - dt.timedelta(days=1)).replace(day=1)


def view(nova: Nova, before: dt.datetime) -> Document:
    begin, end = period(before)
    names = sorted({placed.service.host
                    for placed in services.list_services(nova, binary=hosts.COMPUTE)})
    done = "ALL" if not names else f"0 of {len(names)}"
    return {
        "period_beginning": str(begin), "period_ending": str(end), "num_hosts": len(names),
        "num_hosts_done": 0, "num_hosts_running": 0, "num_hosts_not_run": len(names),
        "hosts_not_run": names, "total_instances": 0, "total_errors": 0,
        "overall_status": f"{done} hosts done. 0 errors.", "log": {},
    }


@api.get("/os-instance_usage_audit_log", policy=f"{_RULE}:list")
def index(nova: Nova, ctx: Context) -> Document:
    """Show the audit of the last whole month, which no host makes: usage is metered elsewhere."""
    return {"instance_usage_audit_logs": view(nova, utcnow())}


@api.get("/os-instance_usage_audit_log/<before>", policy=f"{_RULE}:show")
def show(nova: Nova, ctx: Context, before: str) -> Document:
    """Show the audit of the last month that was over before a time, as 2026-01-31 12:00:00."""
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in before else "%Y-%m-%d %H:%M:%S"
    try:
        moment = dt.datetime.strptime(before, form)
    except ValueError:
        raise Invalid(reason=f"Invalid timestamp for date {before}") from None
    return {"instance_usage_audit_log": view(nova, moment)}
