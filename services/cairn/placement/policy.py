"""Who may do what to placement: administrators and services; a project may see its own usage."""

from cairn.common.policy import PROJECT, Rule

ADMIN_OR_SERVICE = "role:admin or role:service"


def _service(*names: str) -> dict[str, Rule]:
    return {f"placement:{name}": Rule(ADMIN_OR_SERVICE, (PROJECT,)) for name in names}


RULES: dict[str, Rule] = {
    **_service(
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
    "placement:usages": Rule(
        f"{ADMIN_OR_SERVICE} or rule:project_reader_api", (PROJECT,)),
}
