"""Who may do what to identities: upstream's rule names, scopes and defaults."""

from cairn.common.policy import DOMAIN, PROJECT, SYSTEM, Rule

ANY_SCOPE = (SYSTEM, DOMAIN, PROJECT)
CLOUD = (SYSTEM, PROJECT)

ADMIN = "rule:admin_required"
READER = f"{ADMIN} or (role:reader and system_scope:all)"


def within(role: str, *targets: str) -> str:
    """`role` on the domain that every one of `targets` belongs to."""
    return f"(role:{role} and " + " and ".join(f"domain_id:%({t})s" for t in targets) + ")"


def readers(*targets: str) -> Rule:
    return Rule(f"{READER} or {within('reader', *targets)}", ANY_SCOPE)


def managers(*targets: str) -> Rule:
    return Rule(f"{ADMIN} or {within('manager', *targets)}", ANY_SCOPE)


USER = "target.user.domain_id"
GROUP = "target.group.domain_id"
PROJECT_DOMAIN = "target.project.domain_id"
OF_PROJECT = f"{PROJECT_DOMAIN})s and not None:%({PROJECT_DOMAIN}"

# A grant: who gets it and where it holds must both be of the caller's domain.
_PAIRS = [(actor, place) for actor in (USER, GROUP)
          for place in (PROJECT_DOMAIN, "target.domain.id")]


def _grant(role: str) -> str:
    return "(" + " or ".join(within(role, *pair) for pair in _PAIRS) + ")"


OWN_ROLE = "(domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s)"
CHANGE_GRANT = Rule(
    f"{ADMIN} or ({_grant('admin')} and {OWN_ROLE}) or "
    f"({_grant('manager')} and rule:domain_managed_target_role)", ANY_SCOPE,
)
READ_CLOUD, CHANGE_CLOUD = Rule(READER, CLOUD), Rule(ADMIN, CLOUD)
OPEN = Rule("", ANY_SCOPE)
TRUSTOR, TRUSTEE = "target.trust.trustor_user_id", "target.trust.trustee_user_id"
EITHER_SIDE = Rule(f"{READER} or user_id:%({TRUSTOR})s or user_id:%({TRUSTEE})s", CLOUD)
OWN_CREDENTIAL = "user_id:%(target.credential.user_id)s"

RULES: dict[str, Rule] = {
    "service_role": Rule("role:service"),
    "service_or_admin": Rule("rule:admin_required or rule:service_role"),
    "owner": Rule("user_id:%(user_id)s"),
    "admin_or_owner": Rule("rule:admin_required or rule:owner"),
    "token_subject": Rule("user_id:%(target.token.user_id)s"),
    "domain_managed_target_role": Rule(
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or "
        "'reader':%(target.role.name)s"
    ),
    # Tokens.
    "identity:check_token": Rule(f"{READER} or rule:token_subject", ANY_SCOPE),
    "identity:validate_token": Rule(
        f"{READER} or rule:service_role or rule:token_subject", ANY_SCOPE
    ),
    "identity:revoke_token": Rule(f"{ADMIN} or rule:token_subject", ANY_SCOPE),
    "identity:list_revoke_events": Rule("rule:service_or_admin", CLOUD),
    "identity:get_auth_catalog": OPEN,
    "identity:get_auth_projects": OPEN,
    "identity:get_auth_domains": OPEN,
    "identity:get_auth_system": OPEN,
    # Domains and projects.
    "identity:get_domain": Rule(
        f"{READER} or token.domain.id:%(target.domain.id)s or "
        "token.project.domain.id:%(target.domain.id)s", ANY_SCOPE
    ),
    "identity:list_domains": readers("target.domain.id"),
    "identity:create_domain": CHANGE_CLOUD,
    "identity:update_domain": CHANGE_CLOUD,
    "identity:delete_domain": CHANGE_CLOUD,
    "identity:get_project": Rule(
        f"{READER} or {within('reader', OF_PROJECT)} or project_id:%(target.project.id)s",
        ANY_SCOPE
    ),
    "identity:list_projects": readers("target.domain_id"),
    "identity:list_user_projects": Rule(
        f"{READER} or {within('reader', USER)} or user_id:%(target.user.id)s", ANY_SCOPE
    ),
    "identity:create_project": managers(OF_PROJECT),
    "identity:update_project": managers(OF_PROJECT),
    "identity:delete_project": managers(OF_PROJECT),
    "identity:list_project_tags": Rule(
        f"{READER} or {within('reader', OF_PROJECT)} or project_id:%(target.project.id)s",
        ANY_SCOPE
    ),
    "identity:get_project_tag": Rule(
        f"{READER} or {within('reader', OF_PROJECT)} or project_id:%(target.project.id)s",
        ANY_SCOPE
    ),
    "identity:update_project_tags": managers(OF_PROJECT),
    "identity:create_project_tag": managers(OF_PROJECT),
    "identity:delete_project_tags": managers(OF_PROJECT),
    "identity:delete_project_tag": managers(OF_PROJECT),
    # Users and groups.
    "identity:get_user": Rule(
        f"{READER} or (role:reader and token.domain.id:%(target.user.domain_id)s) or "
        "user_id:%(target.user.id)s", ANY_SCOPE
    ),
    "identity:list_users": readers("target.domain_id"),
    "identity:create_user": Rule(
        f"{ADMIN} or (role:manager and token.domain.id:%(target.user.domain_id)s)", ANY_SCOPE
    ),
    "identity:update_user": Rule(
        f"{ADMIN} or (role:manager and token.domain.id:%(target.user.domain_id)s)", ANY_SCOPE
    ),
    "identity:delete_user": Rule(
        f"{ADMIN} or (role:manager and token.domain.id:%(target.user.domain_id)s)", ANY_SCOPE
    ),
    "identity:get_group": readers(GROUP),
    "identity:list_groups": readers(GROUP),
    "identity:list_groups_for_user": Rule(
        f"{READER} or {within('reader', USER)} or user_id:%(user_id)s", ANY_SCOPE
    ),
    "identity:create_group": managers(GROUP),
    "identity:update_group": managers(GROUP),
    "identity:delete_group": managers(GROUP),
    "identity:list_users_in_group": readers(GROUP),
    "identity:remove_user_from_group": managers(GROUP, USER),
    "identity:check_user_in_group": readers(GROUP, USER),
    "identity:add_user_to_group": managers(GROUP, USER),
    # Roles.
    "identity:get_role": Rule(
        f"{READER} or (role:manager and rule:domain_managed_target_role)", ANY_SCOPE
    ),
    "identity:list_roles": Rule(f"{READER} or (role:manager and not domain_id:None)", ANY_SCOPE),
    "identity:create_role": CHANGE_CLOUD,
    "identity:update_role": CHANGE_CLOUD,
    "identity:delete_role": CHANGE_CLOUD,
    "identity:get_domain_role": READ_CLOUD,
    "identity:list_domain_roles": READ_CLOUD,
    "identity:create_domain_role": CHANGE_CLOUD,
    "identity:update_domain_role": CHANGE_CLOUD,
    "identity:delete_domain_role": CHANGE_CLOUD,
    "identity:get_implied_role": READ_CLOUD,
    "identity:list_implied_roles": READ_CLOUD,
    "identity:create_implied_role": CHANGE_CLOUD,
    "identity:delete_implied_role": CHANGE_CLOUD,
    "identity:list_role_inference_rules": READ_CLOUD,
    "identity:check_implied_role": READ_CLOUD,
    # Assignments.
    "identity:check_grant": Rule(f"{READER} or ({_grant('reader')} and {OWN_ROLE})", ANY_SCOPE),
    "identity:list_grants": Rule(f"{READER} or {_grant('reader')}", ANY_SCOPE),
    "identity:create_grant": CHANGE_GRANT,
    "identity:revoke_grant": CHANGE_GRANT,
    "identity:list_system_grants_for_user": READ_CLOUD,
    "identity:check_system_grant_for_user": READ_CLOUD,
    "identity:create_system_grant_for_user": CHANGE_CLOUD,
    "identity:revoke_system_grant_for_user": CHANGE_CLOUD,
    "identity:list_system_grants_for_group": READ_CLOUD,
    "identity:check_system_grant_for_group": READ_CLOUD,
    "identity:create_system_grant_for_group": CHANGE_CLOUD,
    "identity:revoke_system_grant_for_group": CHANGE_CLOUD,
    "identity:list_role_assignments": readers("target.domain_id)s and not None:%(target.domain_id"),
    "identity:list_role_assignments_for_tree": readers(
        "target.domain_id)s and not None:%(target.domain_id"
    ),
    # The catalog.
    "identity:get_region": OPEN,
    "identity:list_regions": OPEN,
    "identity:create_region": CHANGE_CLOUD,
    "identity:update_region": CHANGE_CLOUD,
    "identity:delete_region": CHANGE_CLOUD,
    "identity:get_service": READ_CLOUD,
    "identity:list_services": READ_CLOUD,
    "identity:create_service": CHANGE_CLOUD,
    "identity:update_service": CHANGE_CLOUD,
    "identity:delete_service": CHANGE_CLOUD,
    "identity:get_endpoint": READ_CLOUD,
    "identity:list_endpoints": READ_CLOUD,
    "identity:create_endpoint": CHANGE_CLOUD,
    "identity:update_endpoint": CHANGE_CLOUD,
    "identity:delete_endpoint": CHANGE_CLOUD,
    # How much of what.
    "identity:get_registered_limit": OPEN,
    "identity:list_registered_limits": OPEN,
    "identity:create_registered_limits": CHANGE_CLOUD,
    "identity:update_registered_limit": CHANGE_CLOUD,
    "identity:delete_registered_limit": CHANGE_CLOUD,
    "identity:get_limit_model": OPEN,
    "identity:get_limit": Rule(
        f"{READER} or domain_id:%(target.limit.domain.id)s or "
        "domain_id:%(target.limit.project.domain_id)s or "
        "(project_id:%(target.limit.project_id)s and not None:%(target.limit.project_id)s)",
        ANY_SCOPE
    ),
    "identity:list_limits": OPEN,
    "identity:create_limits": CHANGE_CLOUD,
    "identity:update_limit": CHANGE_CLOUD,
    "identity:delete_limit": CHANGE_CLOUD,
    # Documents kept for others.
    "identity:get_credential": Rule(f"{READER} or {OWN_CREDENTIAL}", ANY_SCOPE),
    "identity:list_credentials": Rule(f"{READER} or {OWN_CREDENTIAL}", ANY_SCOPE),
    "identity:create_credential": Rule(f"{ADMIN} or {OWN_CREDENTIAL}", ANY_SCOPE),
    "identity:update_credential": Rule(f"{ADMIN} or {OWN_CREDENTIAL}", ANY_SCOPE),
    "identity:delete_credential": Rule(f"{ADMIN} or {OWN_CREDENTIAL}", ANY_SCOPE),
    "identity:ec2_get_credential": Rule(f"{READER} or {OWN_CREDENTIAL}", CLOUD),
    "identity:ec2_list_credentials": Rule(f"{READER} or rule:owner", CLOUD),
    "identity:ec2_create_credential": Rule(
        f"{ADMIN} or (role:member and {OWN_CREDENTIAL})", CLOUD
    ),
    "identity:ec2_delete_credential": Rule(
        f"{ADMIN} or (role:member and {OWN_CREDENTIAL})", CLOUD
    ),
    # Whose a signature is: never for strangers, who may have it from somebody else.
    "identity:ec2tokens_validate": Rule("rule:service_or_admin", ANY_SCOPE),
    "identity:s3tokens_validate": Rule("rule:service_or_admin", ANY_SCOPE),
    # What users let others do.
    "identity:create_trust": Rule(f"user_id:%({TRUSTOR})s", (PROJECT,)),
    "identity:list_trusts": READ_CLOUD,
    "identity:list_trusts_for_trustor": Rule(f"{READER} or user_id:%({TRUSTOR})s", CLOUD),
    "identity:list_trusts_for_trustee": Rule(f"{READER} or user_id:%({TRUSTEE})s", CLOUD),
    "identity:list_roles_for_trust": EITHER_SIDE,
    "identity:get_role_for_trust": EITHER_SIDE,
    "identity:get_trust": EITHER_SIDE,
    "identity:delete_trust": Rule(f"{ADMIN} or user_id:%({TRUSTOR})s", CLOUD),
    "identity:get_application_credential": Rule(f"{READER} or rule:owner", CLOUD),
    "identity:list_application_credentials": Rule(f"{READER} or rule:owner", CLOUD),
    "identity:create_application_credential": Rule("user_id:%(user_id)s", (PROJECT,)),
    "identity:delete_application_credential": Rule("rule:admin_or_owner", CLOUD),
    "identity:get_access_rule": Rule(
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s", CLOUD
    ),
    "identity:list_access_rules": Rule(
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s", CLOUD
    ),
    "identity:delete_access_rule": Rule(
        "(role:admin and system_scope:all) or user_id:%(target.user.id)s", CLOUD
    ),
    # Domains' own configuration.
    "identity:create_domain_config": CHANGE_CLOUD,
    "identity:get_domain_config": READ_CLOUD,
    "identity:get_domain_config_default": READ_CLOUD,
    "identity:get_security_compliance_domain_config": OPEN,
    "identity:update_domain_config": CHANGE_CLOUD,
    "identity:delete_domain_config": CHANGE_CLOUD,
    # Programs that act for users.
    "identity:list_consumers": READ_CLOUD,
    "identity:get_consumer": READ_CLOUD,
    "identity:create_consumer": CHANGE_CLOUD,
    "identity:update_consumer": CHANGE_CLOUD,
    "identity:delete_consumer": CHANGE_CLOUD,
    "identity:authorize_request_token": Rule(ADMIN, (PROJECT,)),
    "identity:list_access_tokens": Rule(ADMIN, (PROJECT,)),
    "identity:get_access_token": Rule(ADMIN, (PROJECT,)),
    "identity:delete_access_token": Rule(ADMIN, (PROJECT,)),
    "identity:list_access_token_roles": Rule(ADMIN, (PROJECT,)),
    "identity:get_access_token_role": Rule(ADMIN, (PROJECT,)),
    # Which endpoints a project sees.
    **{f"identity:{verb}": READ_CLOUD for verb in (
        "get_endpoint_group", "list_endpoint_groups", "list_endpoint_groups_for_project",
        "get_endpoint_group_in_project", "list_endpoints_associated_with_endpoint_group",
        "list_projects_associated_with_endpoint_group", "list_projects_for_endpoint",
        "list_endpoints_for_project", "check_endpoint_in_project",
    )},
    **{f"identity:{verb}": CHANGE_CLOUD for verb in (
        "create_endpoint_group", "update_endpoint_group", "delete_endpoint_group",
        "add_endpoint_group_to_project", "remove_endpoint_group_from_project",
        "add_endpoint_to_project", "remove_endpoint_from_project",
    )},
    # Policy documents, and what goes by them.
    **{f"identity:{verb}_policy_association_for_{place}": rule
       for verb, rule in (("create", CHANGE_CLOUD), ("check", READ_CLOUD),
                          ("delete", CHANGE_CLOUD))
       for place in ("endpoint", "service", "region_and_service")},
    "identity:list_endpoints_for_policy": READ_CLOUD,
    "identity:get_policy_for_endpoint": READ_CLOUD,
    "identity:get_policy": READ_CLOUD,
    "identity:list_policies": READ_CLOUD,
    "identity:create_policy": CHANGE_CLOUD,
    "identity:update_policy": CHANGE_CLOUD,
    "identity:delete_policy": CHANGE_CLOUD,
}
