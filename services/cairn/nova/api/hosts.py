"""/os-hosts, of 2.1 to 2.42: services by host, and what compute hosts have."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.nova.api.schemas import TEXT, Query, closed, query
from cairn.nova.component import Nova
from cairn.nova.core import host_resources, hosts, services
from cairn.nova.core.host_resources import Resources
from cairn.nova.errors import NotSupported
from cairn.nova.policy import RULES

api = Api(RULES)

LAST = "2.42"
_SWITCH = {"enum": ["enable", "disable", "Enable", "Disable", "ENABLE", "DISABLE"]}


@api.get("/os-hosts", policy="os_compute_api:os-hosts:list", until=LAST,
         query=query(zone=TEXT))
def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List nova's processes that are not disabled by host, those of one zone if asked."""
    zone = read_value(query, "zone")
    shown = [{"host_name": placed.service.host, "zone": placed.zone,
              "service": placed.service.binary.removeprefix("nova-")}
             for placed in services.list_services(nova) if not placed.service.disabled]
    return {"hosts": [each for each in shown if not zone or each["zone"] == zone]}


def _resource(host: str, whose: str, amount: Resources) -> Document:
    return {"resource": {"host": host, "project": whose, "cpu": amount.vcpus,
                         "memory_mb": amount.memory_mb, "disk_gb": amount.disk_gb}}


@api.get("/os-hosts/<host>", policy="os_compute_api:os-hosts:show", until=LAST)
def show(nova: Nova, ctx: Context, host: str) -> Document:
    """Show what a compute host has, what of it is in use, and what its servers may use, by
    project."""
    shown = host_resources.sum_up(nova, host)
    return {"host": [
        _resource(host, "(total)", shown.total), _resource(host, "(used_now)", shown.used),
        _resource(host, "(used_max)", shown.promised),
        *(_resource(host, project, amount) for project, amount in shown.by_project.items())]}


@api.put("/os-hosts/<host>", policy="os_compute_api:os-hosts:update", until=LAST,
         body={**closed(status=_SWITCH, maintenance_mode=_SWITCH), "minProperties": 1},
         event="service.update")
def change(nova: Nova, ctx: Context, host: str, body: Document) -> Document:
    """Let a compute host have new servers, or no new ones. No driver here has a maintenance mode:
    501."""
    host_resources.check_host(nova, host)
    if "maintenance_mode" in body:
        raise NotSupported(reason="compute hosts have no maintenance_mode here.")
    disabled = body["status"].lower() == "disable"
    services.change_named(nova, ctx, host, hosts.COMPUTE, disabled=disabled, disabled_reason=None)
    return {"host": host, "status": "disabled" if disabled else "enabled"}


def _power(nova: Nova, host: str) -> None:
    """Raises NotFound, else NotSupported."""
    host_resources.check_host(nova, host)
    raise NotSupported(reason="no driver here starts, stops or reboots its host.")


@api.get("/os-hosts/<host>/startup", policy="os_compute_api:os-hosts:start", until=LAST,
         status=501)
def startup(nova: Nova, ctx: Context, host: str) -> None:
    """No driver here starts its host: 501."""
    _power(nova, host)


@api.get("/os-hosts/<host>/shutdown", policy="os_compute_api:os-hosts:shutdown", until=LAST,
         status=501)
def shutdown(nova: Nova, ctx: Context, host: str) -> None:
    """No driver here shuts its host down: 501."""
    _power(nova, host)


@api.get("/os-hosts/<host>/reboot", policy="os_compute_api:os-hosts:reboot", until=LAST,
         status=501)
def reboot(nova: Nova, ctx: Context, host: str) -> None:
    """No driver here reboots its host: 501."""
    _power(nova, host)
