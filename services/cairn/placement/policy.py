"""Who may do what to placement: administrators and services; a project may see its own usage."""

from cairn.common.policy import PROJECT, Rule

SCOPES = (PROJECT,)
ADMIN_OR_SERVICE = "rule:admin_or_service_api"


def _admin_or_service(*names: str) -> dict[str, Rule]:
    return {f"placement:{name}": Rule(ADMIN_OR_SERVICE, SCOPES) for name in names}


RULES: dict[str, Rule] = {
    "admin_api": Rule("role:admin", SCOPES),
    "service_api": Rule("role:service", SCOPES),
    "admin_or_service_api": Rule("role:admin or role:service", SCOPES),
    "admin_or_project_reader_or_service_api": Rule(
        "role:admin or rule:project_reader_api or role:service", SCOPES),
    **_admin_or_service(
        "resource_providers:list", "resource_providers:create", "resource_providers:show",
        "resource_providers:update", "resource_providers:delete",
        "resource_classes:list", "resource_classes:create", "resource_classes:show",
        "resource_classes:update", "resource_classes:delete",
        "resource_providers:inventories:list", "resource_providers:inventories:create",
        "resource_providers:inventories:show", "resource_providers:inventories:update",
        "resource_providers:inventories:delete",
        "resource_providers:aggregates:list", "resource_providers:aggregates:update",
        "resource_providers:usages", "resource_providers:allocations:list",
        "resource_providers:traits:list", "resource_providers:traits:update",
        "resource_providers:traits:delete",
        "traits:list", "traits:show", "traits:update", "traits:delete",
        "allocations:manage", "allocations:list", "allocations:update", "allocations:delete",
        "allocation_candidates:list",
    ),
    # Only services move what is promised from one provider to another.
    "placement:reshaper:reshape": Rule("rule:service_api", SCOPES),
    "placement:usages": Rule("rule:admin_or_project_reader_or_service_api", SCOPES),
}
