"""Who may do what to images and metadata definitions: upstream's rules.

Which images a caller can see at all is core/images.py's to say; a rule is asked about one of them.
"""

from cairn.common.policy import PROJECT, Rule

_ADMIN = "rule:context_is_admin"
_MEMBER = f"{_ADMIN} or (role:member and project_id:%(project_id)s)"
_SEEN = ("(project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or "
         "'public':%(visibility)s or 'shared':%(visibility)s)")
_SHARED = (f"{_ADMIN} or role:reader and (project_id:%(project_id)s or "
           "project_id:%(member_id)s)")
_OWN = "role:member and project_id:%(project_id)s and project_id:%(owner)s"
_DEFINED = f"{_ADMIN} or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))"

_CHECKS = {
    "add_image": f"{_ADMIN} or ({_OWN})",
    "delete_image": _MEMBER,
    "get_image": f"{_ADMIN} or (role:reader and {_SEEN})",
    "get_images": f"{_ADMIN} or (role:reader and project_id:%(project_id)s)",
    "modify_image": _MEMBER,
    "publicize_image": _ADMIN,
    "communitize_image": _MEMBER,
    "download_image": f"{_ADMIN} or (role:member and {_SEEN})",
    "download_from_store": f"{_ADMIN} or (role:member and {_SEEN})",
    "upload_image": _MEMBER,
    "delete_image_location": _ADMIN,
    "get_image_location": f"{_ADMIN} or (role:reader and project_id:%(project_id)s)",
    "set_image_location": _MEMBER,
    "add_image_location": f"rule:service_api or ({_OWN})",
    "fetch_image_location": "rule:service_api",
    "add_member": _MEMBER,
    "delete_member": _MEMBER,
    "get_member": _SHARED,
    "get_members": _SHARED,
    "modify_member": f"{_ADMIN} or (role:member and project_id:%(member_id)s)",
    "manage_image_cache": _ADMIN,
    "deactivate": _MEMBER,
    "reactivate": _MEMBER,
    "copy_image": _ADMIN,
    "list_cached_nodes": _ADMIN,
    "get_task": "rule:default",
    "get_tasks": "rule:default",
    "add_task": "rule:default",
    "modify_task": "rule:default",
    "tasks_api_access": _ADMIN,
    "cache_image": _ADMIN,
    "cache_list": _ADMIN,
    "cache_delete": _ADMIN,
    "cache_clean": _ADMIN,
    "cache_prune": _ADMIN,
    "stores_info_detail": f"{_ADMIN} or rule:service_api",
    "get_metadef_namespace": _DEFINED,
    "get_metadef_namespaces": f"{_ADMIN} or (role:reader and project_id:%(project_id)s)",
    "get_metadef_object": _DEFINED,
    "get_metadef_objects": _DEFINED,
    "list_metadef_resource_types": _DEFINED,
    "get_metadef_resource_type": _DEFINED,
    "get_metadef_property": _DEFINED,
    "get_metadef_properties": _DEFINED,
    "get_metadef_tag": _DEFINED,
    "get_metadef_tags": _DEFINED,
}
_DEFINERS = (
    "modify_metadef_namespace", "add_metadef_namespace", "delete_metadef_namespace",
    "modify_metadef_object", "add_metadef_object", "delete_metadef_object",
    "add_metadef_resource_type_association", "remove_metadef_resource_type_association",
    "modify_metadef_property", "add_metadef_property", "remove_metadef_property",
    "modify_metadef_tag", "add_metadef_tag", "add_metadef_tags", "delete_metadef_tag",
    "delete_metadef_tags",
)

RULES: dict[str, Rule] = {
    "default": Rule(""),
    "service_api": Rule("role:service or role:admin"),
    "metadef_default": Rule(""),
    "metadef_admin": Rule(_ADMIN),
    **{name: Rule(check, (PROJECT,)) for name, check in _CHECKS.items()},
    **{name: Rule("rule:metadef_admin", (PROJECT,)) for name in _DEFINERS},
    # Ours: services read every image by its id with their own token, whatever the rules for people.
    "read_image_as_service": Rule("role:service", (PROJECT,)),
    # ...and a host sends what a server's disk holds to the image that nova made for it.
    "fill_snapshot_as_service": Rule("role:service", (PROJECT,)),
}
