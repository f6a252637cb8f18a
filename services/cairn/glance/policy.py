"""Who may do what to images. Which images a caller can see at all is core/images.py's."""

from cairn.common.policy import PROJECT, Rule

_MEMBER = Rule("rule:context_is_admin or (role:member and project_id:%(project_id)s)", (PROJECT,))
_READER = Rule("rule:context_is_admin or rule:service_api or role:reader", (PROJECT,))
_ADMIN = Rule("rule:context_is_admin", (PROJECT,))

RULES: dict[str, Rule] = {
    "add_image": _MEMBER,
    "get_image": _READER,
    "get_images": _READER,
    "modify_image": _MEMBER,
    "delete_image": _MEMBER,
    "download_image": Rule(
        "rule:context_is_admin or rule:service_api or role:member", (PROJECT,)),
    "upload_image": _MEMBER,
    "publicize_image": _ADMIN,
    "communitize_image": _MEMBER,
    "deactivate": _MEMBER,
    "reactivate": _MEMBER,
    "add_member": _MEMBER,
    "get_members": _READER,
    "get_member": _READER,
    "modify_member": _MEMBER,
    "delete_member": _MEMBER,
    "get_task": Rule("rule:default_task"),
    "default_task": _ADMIN,
}
