"""Who may do what to images and metadata definitions: upstream's rules.

Which images a caller can see at all is core/images.py's to say; a rule is asked about one of them.
"""

from configparser import ConfigParser, Error
from pathlib import Path
from typing import TypeVar

from cairn.common.context import Context
from cairn.common.patterns import Search, bounded
from cairn.common.policy import PROJECT, Policy, Rule
from cairn.common.settings import BadSetting

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
    "cache_image": "rule:manage_image_cache",
    "cache_list": "rule:manage_image_cache",
    "cache_delete": "rule:manage_image_cache",
    "cache_clean": "rule:manage_image_cache",
    "cache_prune": "rule:manage_image_cache",
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

# Property protections: which properties of images a caller may create, read, update, delete.
#
# The file's format is that of the image service's administration guide, "Property protections":
# a section for each regular expression, and in it for each operation the roles (or the one policy)
# that may do it, @ for everybody, ! for nobody. The first section that fits a name decides; a name
# that none fits is nobody's.

T = TypeVar("T")
OPERATIONS = ("create", "read", "update", "delete")
FORMATS = ("roles", "policies")
# What names fit, and who may do each operation to them.
Entry = tuple[Search, dict[str, tuple[str, ...]]]
# Glance's own properties, which nobody sets by hand anyway.
OURS: Entry = (bounded("os_glance"), dict.fromkeys(OPERATIONS, ("@",)))
REMEMBERED = 8192


class Protections:
    """The rules of one file; without a file everything is allowed. Raises BadSetting."""

    def __init__(self, file: str = "", form: str = "roles") -> None:
        if form not in FORMATS:
            raise BadSetting(f"property_protection_rule_format: {form} is not one of "
                             f"{', '.join(FORMATS)}")
        self.form = form
        self.rules = [OURS, *_read(file, form)] if file else []
        self._answers: dict[tuple[str, str, frozenset[str]], bool] = {}

    @property
    def policies(self) -> set[str]:
        """The names of policies that the file asks for: the policy file says what they are."""
        if self.form != "policies":
            return set()
        return {name for _, rule in self.rules for who in rule.values() for name in who
                if name not in "@!"}

    def allows(self, policy: Policy, ctx: Context, operation: str, name: str) -> bool:
        if not self.rules:
            return True
        key = (operation, name, ctx.roles)
        answer = self._answers.get(key) if self.form == "roles" else None
        if answer is None:
            answer = self._decide(policy, ctx, operation, name)
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            self._answers[key] = answer
        return answer

    def readable(self, policy: Policy, ctx: Context, properties: dict[str, T]) -> dict[str, T]:
        if not self.rules:
            return properties
        return {n: v for n, v in properties.items() if self.allows(policy, ctx, "read", n)}

    def _decide(self, policy: Policy, ctx: Context, operation: str, name: str) -> bool:
        who = next((rule[operation] for fits, rule in self.rules if fits(name)), ())
        if "!" in who:
            return False
        if "@" in who:
            return True
        if self.form == "policies":
            return any(policy.allows(ctx, rule) for rule in who)
        return not {role.lower() for role in who}.isdisjoint(role.lower() for role in ctx.roles)


def _read(file: str, form: str) -> list[Entry]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(Path(file).read_text())
    except (OSError, Error) as wrong:
        raise BadSetting(f"property_protection_file: {wrong}") from wrong
    rules = []
    for section in parser.sections():
        try:
            fits = bounded(section)
        except ValueError as wrong:
            raise BadSetting(f"{file}: {wrong}") from wrong
        rule = {}
        for operation in OPERATIONS:
            if operation not in parser[section]:
                raise BadSetting(f"{file} [{section}]: {operation} is missing")
            who = tuple(w.strip() for w in parser[section][operation].split(",") if w.strip())
            if ("@" in who and "!" in who) or (form == "policies" and len(who) > 1):
                raise BadSetting(f"{file} [{section}] {operation}: {', '.join(who)} contradict "
                                 "each other")
            rule[operation] = who
        rules.append((fits, rule))
    return rules
