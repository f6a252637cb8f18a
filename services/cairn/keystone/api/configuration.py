"""/v3/domains/<id>/config: what a domain sets for itself."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.keystone.api import schemas
from cairn.keystone.component import Keystone
from cairn.keystone.core import configuration
from cairn.keystone.core.configuration import COMPLIANCE
from cairn.keystone.policy import RULES

api = Api(RULES)
ALL = "/domains/<domain_id>/config"
PLACES = (ALL, f"{ALL}/<section>", f"{ALL}/<section>/<name>")


@api.put(ALL, policy="identity:create_domain_config", body=schemas.DOMAIN_CONFIG,
         also=(201,), event="identity.domain_config.created")
def create(keystone: Keystone, ctx: Context, domain_id: str, body: Document) -> Reply:
    """Replace all that a domain has set for itself; 201 if that was nothing."""
    options, first = configuration.create(keystone, ctx, domain_id, body["config"])
    return Reply({"config": options}, status=201 if first else 200)


def show(
    keystone: Keystone, ctx: Context, domain_id: str, section: str | None = None,
    name: str | None = None,
) -> Document:
    """Show what a domain has set for itself, without passwords; 404 if that is nothing."""
    if section == COMPLIANCE:
        keystone.policy.enforce(ctx, "identity:get_security_compliance_domain_config")
        return {"config": configuration.compliance(keystone, domain_id, name)}
    keystone.policy.enforce(ctx, "identity:get_domain_config")
    return {"config": configuration.get(keystone, domain_id, section, name)}


def update(
    keystone: Keystone, ctx: Context, domain_id: str, body: Document, section: str | None = None,
    name: str | None = None,
) -> Document:
    """Change what a domain sets; a group or option that the path names must be set already."""
    options = configuration.update(keystone, ctx, domain_id, body["config"], section, name)
    return {"config": options}


def remove(
    keystone: Keystone, ctx: Context, domain_id: str, section: str | None = None,
    name: str | None = None,
) -> None:
    """Delete what a domain has set, or one group or option of it."""
    configuration.remove(keystone, ctx, domain_id, section, name)


for _place in PLACES:
    api.get(_place, policy="identity:get_domain_config", late=True)(show)
    api.patch(_place, policy="identity:update_domain_config", body=schemas.DOMAIN_CONFIG,
              event="identity.domain_config.updated")(update)
    api.delete(_place, policy="identity:delete_domain_config", status=204,
               event="identity.domain_config.deleted")(remove)


def default(
    keystone: Keystone, ctx: Context, section: str | None = None, name: str | None = None
) -> Document:
    """Show what holds where a domain sets nothing."""
    return {"config": configuration.default(section, name)}


for _place in ("", "/<section>", "/<section>/<name>"):
    api.get(f"/domains/config{_place}/default", policy="identity:get_domain_config_default")(
        default
    )
