"""/os-quota-class-sets"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import quota_limits, wrapped
from cairn.nova.api.views import quota_names
from cairn.nova.component import Nova
from cairn.nova.core import quotas
from cairn.nova.policy import RULES

api = Api(RULES)


def view(nova: Nova, ctx: Context, name: str) -> Document:
    limits = quotas.get_limits(nova, f"class:{name}")
    names = quota_names(ctx)
    if ctx.version < (2, 50):
        # Groups came late to this one, and networks went late.
        names = [n for n in (*quotas.ALWAYS, *quotas.FILES, *quotas.NETWORK)
                 if n not in ("server_groups", "server_group_members")]
    return {n: limits[n] for n in names}


@api.get("/os-quota-class-sets/<name>", policy="os_compute_api:os-quota-class-sets:show")
def show(nova: Nova, ctx: Context, name: str) -> Document:
    """Show the limits of a class; `default` holds for projects that have none of their own."""
    return {"quota_class_set": {"id": name} | view(nova, ctx, name)}


def change(nova: Nova, ctx: Context, name: str, body: Document) -> Document:
    """Set limits of a class; those of `default` hold for projects that have none of their own."""
    values = {key: int(value) for key, value in body["quota_class_set"].items()}
    quotas.change(nova, ctx, f"class:{name}", values, force=True)
    return {"quota_class_set": view(nova, ctx, name)}


for _since, _until, _network, _files in (
    ("2.1", "2.49", True, True), ("2.50", "2.56", False, True), ("2.57", None, False, False),
):
    api.put("/os-quota-class-sets/<name>", policy="os_compute_api:os-quota-class-sets:update",
            body=wrapped("quota_class_set", quota_limits(network=_network, files=_files)),
            since=_since, until=_until, event="quota.update")(change)
