"""The bodies keystone accepts. An object that upstream lets carry attributes of the user's own is
open; everything around it is closed."""

from typing import Any

from cairn.common import access_rules, names
from cairn.common.api import Schema

ID = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[a-zA-Z0-9-]+$"}
# As new ids are made: a UUID without dashes, or with.
UUID = {"type": "string", "pattern": "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"}
ID_OR_NULL = {**ID, "type": ["string", "null"]}
NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
# Of domains, projects and groups.
SHORT_NAME = {**NAME, "maxLength": 64}
TEXT = {"type": "string", "maxLength": 16383}
TEXT_OR_NULL = {"type": ["string", "null"], "maxLength": 16383}
FLAG = {"type": "boolean"}
OPTIONS = {"type": "object"}
TAG = {"type": "string", "minLength": 1, "maxLength": 255,
       "pattern": names.SEGMENT.replace("/", ",/")}
TAGS = {"type": "array", "items": TAG, "maxItems": 80, "uniqueItems": True}
REGION_ID = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": names.SEGMENT}


def wrapped(
    name: str, properties: dict[str, Any], required: tuple[str, ...] = (), *, open_: bool = True,
    least: int = 0,
) -> Schema:
    """{name: {properties}}."""
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {
            "type": "object", "required": list(required), "properties": properties,
            "additionalProperties": open_, "minProperties": least,
        }},
        "additionalProperties": False,
    }


_DOMAIN_REF = {
    "type": "object",
    "properties": {"id": TEXT_OR_NULL, "name": TEXT},
    "additionalProperties": True,
}
_PASSWORD = {
    "type": "object",
    "required": ["user"],
    "properties": {"user": {
        "type": "object",
        "required": ["password"],
        "properties": {"id": TEXT, "name": TEXT, "password": TEXT, "domain": _DOMAIN_REF},
        "additionalProperties": True,
    }},
    "additionalProperties": False,
}
_TOTP = {
    "type": "object",
    "required": ["user"],
    "properties": {"user": {
        "type": "object",
        "required": ["passcode"],
        "properties": {"id": TEXT, "name": TEXT, "passcode": TEXT, "domain": _DOMAIN_REF},
        "additionalProperties": True,
    }},
    "additionalProperties": False,
}
_TOKEN = {
    "type": "object", "required": ["id"], "properties": {"id": TEXT},
    "additionalProperties": False,
}
_APPLICATION_CREDENTIAL = {
    "type": "object",
    "required": ["secret"],
    "properties": {
        "id": TEXT, "name": TEXT, "secret": TEXT,
        "user": {"type": "object",
                 "properties": {"id": TEXT, "name": TEXT, "domain": _DOMAIN_REF},
                 "additionalProperties": True},
    },
    "additionalProperties": False,
}
_SCOPE = {
    "type": ["object", "string"],
    "properties": {
        "project": {
            "type": "object",
            "properties": {"id": TEXT, "name": TEXT, "domain": _DOMAIN_REF},
            "additionalProperties": True,
        },
        "domain": _DOMAIN_REF,
        "system": {"type": "object", "required": ["all"], "properties": {"all": FLAG},
                   "additionalProperties": False},
        "OS-TRUST:trust": {"type": "object", "required": ["id"], "properties": {"id": TEXT},
                           "additionalProperties": False},
        "unscoped": {"type": "object"},
    },
    "additionalProperties": False,
}
# What one access rule says.
RULE = {
    "service": {"type": "string", "minLength": 1, "maxLength": 255},
    "path": {"type": "string", "pattern": "^/", "maxLength": 225},
    "method": {"type": "string", "pattern": "^(POST|GET|HEAD|PATCH|PUT|DELETE)$"},
}
_NARROW = {
    "type": "object", "required": ["access_rules", "seconds"],
    "properties": {
        "access_rules": {"type": "array", "maxItems": 32, "items": {
            "type": "object", "required": ["service", "path", "method"],
            "properties": RULE, "additionalProperties": False,
        }},
        "seconds": {"type": "integer", "minimum": 1, "maximum": 86400},
    },
    "additionalProperties": False,
}
AUTH = wrapped("auth", {
    "identity": {
        "type": "object",
        "required": ["methods"],
        "properties": {
            "methods": {"type": "array", "items": TEXT},
            "password": _PASSWORD,
            "token": _TOKEN,
            "totp": _TOTP,
            "application_credential": _APPLICATION_CREDENTIAL,
        },
        "additionalProperties": True,
    },
    "scope": _SCOPE,
    "CAIRN:narrow": _NARROW,
}, ("identity",), open_=False)

_domain = {"name": SHORT_NAME, "description": TEXT_OR_NULL, "enabled": FLAG, "tags": TAGS,
           "options": OPTIONS, "id": ID, "explicit_domain_id": UUID}
DOMAIN_CREATE = wrapped("domain", _domain, ("name",))
DOMAIN_UPDATE = wrapped("domain", {**_domain, "explicit_domain_id": True}, least=1)

_project = {"name": SHORT_NAME, "description": TEXT_OR_NULL, "enabled": FLAG, "is_domain": FLAG,
            "domain_id": ID_OR_NULL, "parent_id": ID_OR_NULL, "tags": TAGS, "options": OPTIONS}
PROJECT_CREATE = wrapped("project", _project, ("name",))
PROJECT_UPDATE = wrapped("project", _project)
PROJECT_TAGS: Schema = {
    "type": "object", "required": ["tags"], "properties": {"tags": TAGS},
    "additionalProperties": False,
}

_user = {"name": NAME, "password": TEXT_OR_NULL, "enabled": FLAG, "domain_id": ID,
         "default_project_id": {**ID_OR_NULL, "minLength": 0, "pattern": "^[a-zA-Z0-9-]*$"},
         "description": TEXT_OR_NULL, "options": OPTIONS}
USER_CREATE = wrapped("user", _user, ("name",))
USER_UPDATE = wrapped("user", _user, least=1)
USER_PASSWORD = wrapped("user", {"password": TEXT, "original_password": TEXT},
                        ("password", "original_password"), open_=False)

_group = {"name": SHORT_NAME, "description": TEXT_OR_NULL, "domain_id": ID}
GROUP_CREATE = wrapped("group", _group, ("name",))
GROUP_UPDATE = wrapped("group", _group, least=1)

_role = {"name": NAME, "description": TEXT_OR_NULL, "domain_id": ID_OR_NULL, "options": OPTIONS}
ROLE_CREATE = wrapped("role", _role, ("name",))
ROLE_UPDATE = wrapped("role", _role, least=1)

_region = {"id": {**REGION_ID, "type": ["string", "null"], "minLength": 0},
           "description": TEXT_OR_NULL,
           "parent_region_id": {**REGION_ID, "type": ["string", "null"]}}
REGION_CREATE = wrapped("region", _region)
REGION_UPDATE = wrapped("region", _region, least=1)

_service = {"type": {"type": "string", "minLength": 1, "maxLength": 255},
            "name": {"type": "string", "minLength": 1, "maxLength": 255}, "enabled": FLAG,
            "description": TEXT_OR_NULL}
SERVICE_CREATE = wrapped("service", _service, ("type",))
SERVICE_UPDATE = wrapped("service", _service, least=1)

_endpoint = {
    "interface": {"type": "string", "enum": ["admin", "internal", "public"]},
    "url": {"type": "string", "minLength": 1, "maxLength": 225, "pattern": r"^[a-zA-Z0-9+.-]+:.+"},
    "service_id": TEXT, "region": TEXT_OR_NULL, "region_id": TEXT_OR_NULL, "enabled": FLAG,
    "name": TEXT, "description": TEXT_OR_NULL,
}
ENDPOINT_CREATE = wrapped("endpoint", _endpoint, ("interface", "service_id", "url"))
ENDPOINT_UPDATE = wrapped("endpoint", _endpoint, least=1)

_credential = {"blob": {**TEXT, "maxLength": 32768}, "project_id": ID_OR_NULL, "user_id": ID,
               "type": {"type": "string", "minLength": 1, "maxLength": 255}}
CREDENTIAL_CREATE = wrapped("credential", _credential, ("blob", "type"))
CREDENTIAL_UPDATE = wrapped("credential", _credential, least=1)
EC2_CREATE: Schema = {
    "type": "object", "required": ["tenant_id"], "properties": {"tenant_id": TEXT},
    "additionalProperties": False,
}

_SIGNED = {
    "type": "object",
    "properties": {
        "access": TEXT, "signature": TEXT, "token": {"type": "string", "maxLength": 65536},
        "host": TEXT, "verb": TEXT, "path": TEXT, "body_hash": TEXT,
        "params": {"type": "object"}, "headers": {"type": "object"},
    },
    "additionalProperties": True,
}
# Clients disagree on what to call it.
EC2_TOKENS: Schema = {
    "type": "object", "minProperties": 1,
    "properties": {"credentials": _SIGNED, "credential": _SIGNED, "ec2Credentials": _SIGNED},
    "additionalProperties": True,
}

_ROLES = {"type": "array", "items": {
    "type": "object", "properties": {"id": TEXT, "name": TEXT}, "additionalProperties": True,
}}
TRUST_CREATE = wrapped("trust", {
    "trustor_user_id": TEXT, "trustee_user_id": TEXT, "project_id": TEXT_OR_NULL,
    "impersonation": FLAG, "expires_at": TEXT_OR_NULL, "roles": _ROLES,
    "remaining_uses": {"type": ["integer", "null"], "minimum": 1, "maximum": 2147483647},
    "allow_redelegation": {"type": ["boolean", "null"]},
    "redelegation_count": {"type": ["integer", "null"], "minimum": 0},
    "redelegated_trust_id": TEXT_OR_NULL,
}, ("trustor_user_id", "trustee_user_id", "impersonation"))

_ACCESS_RULES = {"type": ["array", "null"], "maxItems": access_rules.MOST, "items": {
    "type": "object",
    "properties": {"id": ID, **RULE},
    "additionalProperties": False,
}}
APPLICATION_CREDENTIAL_CREATE = wrapped("application_credential", {
    "name": NAME, "description": TEXT_OR_NULL, "expires_at": TEXT_OR_NULL,
    "secret": TEXT_OR_NULL, "project_id": TEXT_OR_NULL,
    "roles": {**_ROLES, "type": ["array", "null"]}, "system": TEXT_OR_NULL,
    "unrestricted": {"type": ["boolean", "null"]}, "access_rules": _ACCESS_RULES,
}, ("name",), open_=False)

_NUMBER = {"type": "integer", "minimum": -1, "maximum": 2147483647}
_registered = {"service_id": ID, "region_id": {**REGION_ID, "type": ["string", "null"]},
               "resource_name": NAME, "default_limit": _NUMBER, "description": TEXT_OR_NULL}
_limit = {"service_id": ID, "region_id": {**REGION_ID, "type": ["string", "null"]},
          "resource_name": NAME, "project_id": ID_OR_NULL, "domain_id": ID_OR_NULL,
          "resource_limit": _NUMBER, "description": TEXT_OR_NULL}


def _several(name: str, properties: dict[str, Any], required: tuple[str, ...]) -> Schema:
    one = {"type": "object", "required": list(required), "properties": properties,
           "additionalProperties": False}
    return {"type": "object", "required": [name],
            "properties": {name: {"type": "array", "items": one, "minItems": 1}},
            "additionalProperties": False}


REGISTERED_LIMITS_CREATE = _several(
    "registered_limits", _registered, ("service_id", "resource_name", "default_limit")
)
REGISTERED_LIMIT_UPDATE = wrapped("registered_limit", _registered, open_=False)
LIMITS_CREATE = _several("limits", _limit, ("service_id", "resource_name", "resource_limit"))
LIMIT_UPDATE = wrapped("limit", {"resource_limit": _NUMBER, "description": TEXT_OR_NULL},
                       open_=False)

_policy = {"blob": TEXT, "type": {"type": "string", "maxLength": 255}}
POLICY_CREATE = wrapped("policy", _policy, ("blob", "type"))
POLICY_UPDATE = wrapped("policy", _policy, least=1)

# The names in it are checked where it is read: what is wrong there is a 403 upstream.
DOMAIN_CONFIG = wrapped("config", {})

_FILTERS = {
    "type": "object", "minProperties": 1,
    "properties": {"interface": {"type": "string", "enum": ["admin", "internal", "public"]},
                   "service_id": TEXT, "region_id": TEXT},
    "additionalProperties": True,
}
_endpoint_group = {"name": NAME, "description": TEXT_OR_NULL, "filters": _FILTERS}
ENDPOINT_GROUP_CREATE = wrapped("endpoint_group", _endpoint_group, ("name", "filters"),
                                open_=False)
ENDPOINT_GROUP_UPDATE = wrapped("endpoint_group", _endpoint_group, open_=False, least=1)

CONSUMER_CREATE = wrapped("consumer", {"description": TEXT_OR_NULL})
CONSUMER_UPDATE = wrapped("consumer", {"description": TEXT_OR_NULL, "secret": False}, least=1)
REQUEST_TOKEN_AUTHORIZE: Schema = {
    "type": "object", "required": ["roles"],
    "properties": {"roles": {"type": "array", "minItems": 1, "items": {
        "type": "object", "properties": {"id": ID, "name": NAME}, "minProperties": 1,
        "maxProperties": 1, "additionalProperties": False,
    }}},
    "additionalProperties": False,
}
