"""/clusters and /workers: processes that stand in for each other, of which there are none. A work
whose process died is taken over by itself."""

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import BOOLEAN, NAME, TEXT_OR_NONE, UUID_OR_NONE, Query, closed
from cairn.cinder.component import Cinder
from cairn.cinder.errors import NoSuchCluster
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

_QUERY = only("name", "binary", "is_up", "disabled", "num_hosts", "num_down_hosts",
              "replication_status", "frozen", "active_backend_id")
_NOT = "There are no clusters: it only refuses."
_CLEAN = closed(
    cluster_name=TEXT_OR_NONE, service_id={"type": ["integer", "null"]}, host=TEXT_OR_NONE,
    binary={"enum": ["cinder-volume", "cinder-scheduler", "cinder-backup", None]},
    is_up=BOOLEAN, disabled=BOOLEAN, resource_id=UUID_OR_NONE,
    resource_type={"enum": ["Volume", "Snapshot", None]})


@api.get("/clusters", policy="clusters:get_all", query=_QUERY, since="3.7")
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List clusters: there are none."""
    return {"clusters": []}


@api.get("/clusters/detail", policy="clusters:get_all", query=_QUERY, since="3.7")
def detail(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List clusters with all that there is to know of them: there are none."""
    return {"clusters": []}


@api.get("/clusters/<name>", policy="clusters:get", query=only("binary"), since="3.7")
def show(cinder: Cinder, ctx: Context, name: str, query: Query) -> Document:
    """Show a cluster: there is none."""
    raise NoSuchCluster(name)


def change(cinder: Cinder, ctx: Context, body: Document) -> None:
    """Would enable or disable a cluster: there is none."""
    raise NoSuchCluster(body["name"])


for _verb in ("enable", "disable"):
    api.put(f"/clusters/{_verb}", policy="clusters:update", since="3.7", changes_nothing=_NOT,
            body=closed(["name"], name=NAME, binary=TEXT_OR_NONE, disabled_reason=TEXT_OR_NONE))(
                change)


@api.post("/workers/cleanup", policy="workers:cleanup", status=202, since="3.24", body=_CLEAN,
          changes_nothing="What a process left half done is taken over without being asked for.")
def cleanup(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Ask for what dead processes left to be cleaned up: that happens by itself."""
    return {"cleaning": [], "unavailable": []}
