"""Who may do what: upstream's rule names and upstream's defaults."""

from cairn.common.policy import PROJECT, Rule

_ADMIN = Rule("rule:context_is_admin", (PROJECT,))
_MEMBER = Rule("rule:project_member_or_admin", (PROJECT,))
_READER = Rule("rule:project_reader_or_admin", (PROJECT,))
_ANY = Rule("@", (PROJECT,))
_SERVICE = Rule("rule:service_api", (PROJECT,))


def _all(rule: Rule, prefix: str, names: str) -> dict[str, Rule]:
    return {prefix + name: rule for name in names.split()}


RULES: dict[str, Rule] = {
    # Volumes, and what is done to them.
    **_all(_MEMBER, "volume:", "create create_from_image update delete extend "
           "extend_attached_volume revert_to_snapshot retype update_readonly_flag reimage "
           "multiattach multiattach_bootable_volume create_volume_metadata "
           "update_volume_metadata delete_volume_metadata attachment_create attachment_update "
           "attachment_delete attachment_complete create_snapshot update_snapshot "
           "delete_snapshot update_snapshot_metadata delete_snapshot_metadata create_transfer "
           "accept_transfer delete_transfer"),
    **_all(_READER, "volume:", "get get_all get_volume_metadata get_all_snapshots get_snapshot "
           "get_snapshot_metadata get_all_transfers get_transfer"),
    **_all(_ADMIN, "volume:", "force_delete update_volume_admin_metadata reimage_reserved "
           "freeze_host thaw_host failover_host"),
    **_all(_MEMBER, "volume_extension:volume_actions:", "upload_image initialize_connection "
           "terminate_connection roll_detaching reserve unreserve begin_detaching attach detach"),
    **_all(_ADMIN, "volume_extension:volume_actions:", "upload_public"),
    **_all(_ADMIN, "volume_extension:volume_admin_actions:", "reset_status force_delete "
           "force_detach migrate_volume migrate_volume_completion extend_volume_completion"),
    **_all(_ADMIN, "volume_extension:", "volume_host_attribute volume_mig_status_attribute "
           "list_manageable volume_manage volume_unmanage"),
    **_all(_READER, "volume_extension:", "volume_tenant_attribute volume_encryption_metadata "
           "volume_image_metadata:show"),
    **_all(_MEMBER, "volume_extension:volume_image_metadata:", "set remove"),
    # Ours: services open encrypted volumes for guests.
    "volume_passphrase_as_service": _SERVICE,
    # Snapshots, backups, groups.
    **_all(_ADMIN, "volume_extension:snapshot_admin_actions:", "reset_status force_delete"),
    **_all(_MEMBER, "snapshot_extension:", "snapshot_actions:update_snapshot_status"),
    **_all(_ADMIN, "snapshot_extension:", "list_manageable snapshot_manage snapshot_unmanage"),
    **_all(_READER, "backup:", "get get_all"),
    **_all(_MEMBER, "backup:", "create update delete restore"),
    **_all(_ADMIN, "backup:", "backup-import export-import backup_project_attribute"),
    **_all(_ADMIN, "volume_extension:backup_admin_actions:", "reset_status force_delete"),
    **_all(_READER, "group:", "get get_all get_group_snapshot get_all_group_snapshots"),
    **_all(_MEMBER, "group:", "create update delete create_group_snapshot update_group_snapshot "
           "delete_group_snapshot"),
    **_all(_ADMIN, "group:", "reset_status reset_group_snapshot_status enable_replication "
           "disable_replication failover_replication list_replication_targets "
           "group_project_attribute group_snapshot_project_attribute access_group_types_specs "
           "group_types:create group_types:update group_types:delete group_types_specs:get "
           "group_types_specs:get_all group_types_specs:create group_types_specs:update "
           "group_types_specs:delete"),
    # Types and what belongs to them.
    **_all(_READER, "volume_extension:", "type_get type_get_all access_types_extra_specs"),
    **_all(_READER, "volume_extension:types_extra_specs:", "index show"),
    **_all(_ADMIN, "volume_extension:", "type_create type_update type_delete "
           "access_types_qos_specs_id volume_type_access "
           "volume_type_access:addProjectAccess volume_type_access:removeProjectAccess "
           "volume_type_access:get_all_for_type types_extra_specs:create "
           "types_extra_specs:update types_extra_specs:delete types_extra_specs:read_sensitive "
           "volume_type_encryption volume_type_encryption:create volume_type_encryption:get "
           "volume_type_encryption:update volume_type_encryption:delete qos_specs_manage:create "
           "qos_specs_manage:get qos_specs_manage:get_all qos_specs_manage:update "
           "qos_specs_manage:delete default_set_or_update default_get default_get_all "
           "default_unset"),
    # Projects' limits, and the cloud's own.
    **_all(_READER, "", "limits_extension:used_limits volume_extension:quotas:show message:get "
           "message:get_all"),
    **_all(_MEMBER, "", "message:delete"),
    **_all(_ADMIN, "", "volume_extension:quotas:update volume_extension:quotas:delete "
           "volume_extension:quota_classes:get volume_extension:quota_classes:update "
           "volume_extension:services:index volume_extension:services:update "
           "volume_extension:hosts volume_extension:capabilities "
           "scheduler_extension:scheduler_stats:get_pools clusters:get_all clusters:get "
           "clusters:update workers:cleanup"),
    # What everybody may read who has a project.
    **_all(_ANY, "", "volume:availability_zone_list volume:extensions volume:resource_filters"),
}
