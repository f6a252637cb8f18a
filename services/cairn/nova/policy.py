"""Who may do what: upstream's rule names and upstream's defaults."""

from cairn.common.policy import PROJECT, Rule

_ADMIN = Rule("rule:context_is_admin", (PROJECT,))
_MEMBER = Rule("rule:project_member_or_admin", (PROJECT,))
_READER = Rule("rule:project_reader_or_admin", (PROJECT,))
_ANY = Rule("@", (PROJECT,))
_SERVICE = Rule("rule:service_api", (PROJECT,))
# A keypair is its user's, whatever the project.
_KEY_OWNER = Rule("(rule:context_is_admin) or user_id:%(user_id)s", (PROJECT,))


def _all(rule: Rule, *names: str) -> dict[str, Rule]:
    return {f"os_compute_api:{name}": rule for name in names}


RULES: dict[str, Rule] = {
    **_all(_READER, "servers:index", "servers:detail", "servers:show", "ips:index", "ips:show",
           "server-metadata:index", "server-metadata:show", "os-server-tags:index",
           "os-server-tags:show", "os-instance-actions:list", "os-instance-actions:show",
           "os-attach-interfaces:list", "os-attach-interfaces:show",
           "os-security-groups:list", "os-security-groups:get", "os-security-groups:show",
           "os-server-groups:index", "os-server-groups:show",
           "os-simple-tenant-usage:show", "os-volumes-attachments:index",
           "os-volumes-attachments:show", "os-quota-sets:show", "os-quota-sets:detail",
           "os-flavor-extra-specs:index", "os-flavor-extra-specs:show",
           "os-server-password:show"),
    # Of before 2.36: what is the neighbours' own.
    **_all(_READER, "os-floating-ips:list", "os-floating-ips:show", "os-networks:list",
           "os-networks:show", "os-tenant-networks:list", "os-tenant-networks:show",
           "os-volumes:list", "os-volumes:detail", "os-volumes:show",
           "os-volumes:snapshots:list", "os-volumes:snapshots:detail",
           "os-volumes:snapshots:show"),
    **_all(_MEMBER, "os-floating-ips:create", "os-floating-ips:delete", "os-floating-ips:add",
           "os-floating-ips:remove", "os-volumes:create", "os-volumes:delete",
           "os-volumes:snapshots:create", "os-volumes:snapshots:delete"),
    **_all(_ADMIN, "os-hosts:list", "os-hosts:show", "os-hosts:update", "os-hosts:reboot",
           "os-hosts:shutdown", "os-hosts:start", "os-baremetal-nodes:list",
           "os-baremetal-nodes:show", "os-instance-usage-audit-log:list",
           "os-instance-usage-audit-log:show"),
    **_all(_ANY, "os-floating-ip-pools"),
    **_all(_MEMBER, "servers:create", "servers:create:attach_network",
           "servers:create:attach_volume", "servers:create:trusted_certs", "servers:update",
           "servers:delete", "servers:start", "servers:stop", "servers:reboot",
           "servers:rebuild", "servers:resize", "servers:confirm_resize",
           "servers:revert_resize", "servers:create_image", "server-metadata:create",
           "server-metadata:update", "server-metadata:update_all", "server-metadata:delete",
           "os-server-tags:update", "os-server-tags:update_all", "os-server-tags:delete",
           "os-server-tags:delete_all",
           "os-lock-server:lock", "os-lock-server:unlock", "os-console-output",
           "os-remote-consoles",
           "os-deferred-delete:force", "os-deferred-delete:restore", "os-attach-interfaces:create",
           "os-attach-interfaces:delete", "os-multinic:add", "os-multinic:remove",
           "os-pause-server:pause", "os-pause-server:unpause",
           "os-suspend-server:suspend", "os-suspend-server:resume", "os-rescue", "os-unrescue",
           "os-security-groups:add", "os-security-groups:remove", "os-security-groups:create",
           "os-security-groups:update", "os-security-groups:delete",
           "os-security-groups:rule:create", "os-security-groups:rule:delete",
           "os-volumes-attachments:create", "os-volumes-attachments:update",
           "os-volumes-attachments:delete", "os-server-groups:create",
           "os-server-groups:delete", "os-server-password:clear",
           "os-shelve:shelve", "os-shelve:unshelve", "os-create-backup", "os-admin-password",
           "servers:trigger_crash_dump"),
    **_all(_ADMIN, "os-assisted-volume-snapshots:create", "os-assisted-volume-snapshots:delete",
           "servers:create:zero_disk_flavor", "servers:create:forced_host",
           "compute:servers:create:requested_destination", "servers:index:get_all_tenants",
           "servers:detail:get_all_tenants",
           "servers:allow_all_filters", "servers:show:host_status",
           "servers:show:host_status:unknown-only", "os-admin-actions:reset_state",
           "os-admin-actions:inject_network_info",
           "os-migrate-server:migrate", "os-migrate-server:migrate:host",
           "os-migrations:index",
           "os-lock-server:unlock:unlock_override", "os-extended-server-attributes",
           "os-instance-actions:events", "os-instance-actions:events:details",
           "os-services:list", "os-services:update", "os-services:delete",
           "os-hypervisors:list", "os-hypervisors:list-detail", "os-hypervisors:statistics",
           "os-hypervisors:show", "os-hypervisors:uptime", "os-hypervisors:search",
           "os-hypervisors:servers", "os-availability-zone:detail", "os-aggregates:index",
           "os-aggregates:create", "os-aggregates:show", "os-aggregates:update",
           "os-aggregates:delete", "os-aggregates:add_host", "os-aggregates:remove_host",
           "os-aggregates:set_metadata", "os-flavor-manage:create", "os-flavor-manage:update",
           "os-flavor-manage:delete", "os-flavor-access", "os-flavor-access:add_tenant_access",
           "os-flavor-access:remove_tenant_access", "os-flavor-extra-specs:create",
           "os-flavor-extra-specs:update", "os-flavor-extra-specs:delete",
           "os-quota-sets:update", "os-quota-sets:delete", "os-quota-class-sets:show",
           "os-quota-class-sets:update", "os-simple-tenant-usage:list",
           "os-server-groups:index:all_projects", "os-server-diagnostics",
           "os-console-auth-tokens",
           "limits:other_project", "os-shelve:shelve_offload", "os-shelve:unshelve_to_host"),
    **_all(_ANY, "extensions", "limits", "os-availability-zone:list", "os-quota-sets:defaults",
           "flavors"),
    **_all(_KEY_OWNER, "os-keypairs:index", "os-keypairs:show", "os-keypairs:create",
           "os-keypairs:delete"),
    "compute:aggregates:images": _ADMIN,
    # Cinder, which migrates volumes in use so, and admins.
    **_all(Rule("rule:context_is_admin or rule:service_api", (PROJECT,)),
           "os-volumes-attachments:swap"),
    # Upstream's name, which is not as all the others.
    "compute:server:topology:index": _READER,
    # Ours: what cinder compares its rows with.
    **_all(_SERVICE, "os-volume-uses:index"),
    "os_compute_api:os-server-external-events:create": Rule(
        "rule:context_is_admin or rule:service_api", (PROJECT,)
    ),
}
