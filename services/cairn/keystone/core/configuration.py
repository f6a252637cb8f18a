"""What a domain may set for itself (Identity API v3, "Domain configuration").

The names are upstream's. Nothing reads them before there is a driver of identities that does;
`complete` is for it.
"""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import NotFound, Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core.changes import changing
from cairn.keystone.core.projects import find_domain
from cairn.keystone.db.configuration import DomainOption

# Of what may be set and read, what holds where a domain says nothing.
DEFAULTS: dict[str, Document] = {
    "identity": {"driver": "sql", "list_limit": None},
    "ldap": {
        "url": "ldap://localhost", "user": None, "suffix": "cn=example,cn=com",
        "query_scope": "one", "page_size": 0, "alias_dereferencing": "default",
        "debug_level": None, "chase_referrals": None,
        "user_tree_dn": None, "user_filter": None, "user_objectclass": "inetOrgPerson",
        "user_id_attribute": "cn", "user_name_attribute": "sn", "user_mail_attribute": "mail",
        "user_description_attribute": "description", "user_pass_attribute": "userPassword",
        "user_enabled_attribute": "enabled", "user_enabled_invert": False, "user_enabled_mask": 0,
        "user_enabled_default": "True", "user_attribute_ignore": ["default_project_id"],
        "user_default_project_id_attribute": None, "user_enabled_emulation": False,
        "user_enabled_emulation_dn": None, "user_enabled_emulation_use_group_config": False,
        "user_additional_attribute_mapping": [],
        "group_tree_dn": None, "group_filter": None, "group_objectclass": "groupOfNames",
        "group_id_attribute": "cn", "group_name_attribute": "ou", "group_members_are_ids": False,
        "group_member_attribute": "member", "group_desc_attribute": "description",
        "group_attribute_ignore": [], "group_additional_attribute_mapping": [],
        "tls_cacertfile": None, "tls_cacertdir": None, "use_tls": False,
        "tls_req_cert": "demand",
        "use_pool": True, "pool_size": 10, "pool_retry_max": 3, "pool_retry_delay": 0.1,
        "pool_connection_timeout": -1, "pool_connection_lifetime": 600, "use_auth_pool": True,
        "auth_pool_size": 100, "auth_pool_connection_lifetime": 60,
    },
}
# What may be set, and is never told again.
SECRET = {"identity": (), "ldap": ("password",)}
COMPLIANCE = "security_compliance"


class BadConfiguration(Refused):
    message = "Invalid domain specific configuration: {reason}."


class NotConfigured(NotFound):
    message = "Could not find {what} in the configuration of domain {domain_id}."


def _check_names(section: str | None, name: str | None) -> None:
    if section is None:
        return
    if section not in DEFAULTS:
        raise BadConfiguration(reason=f"Group {section} is not supported")
    if name is not None and name not in DEFAULTS[section] and name not in SECRET[section]:
        raise BadConfiguration(reason=f"Option {name} in group {section} is not supported")


def _checked(config: Document) -> Document:
    if not config:
        raise BadConfiguration(reason="No options specified")
    for section, options in config.items():
        if not isinstance(options, dict) or not options:
            raise BadConfiguration(reason=f"The value of group {section} should be a dictionary "
                                          "of options")
        for name in options:
            _check_names(section, name)
    return config


def _rows(
    session: Session, domain_id: str, section: str | None, name: str | None
) -> list[DomainOption]:
    query = select(DomainOption).where(DomainOption.domain_id == domain_id)
    if section is not None:
        query = query.where(DomainOption.section == section)
    if name is not None:
        query = query.where(DomainOption.name == name)
    return list(session.scalars(query.order_by(DomainOption.section, DomainOption.name)))


def _absent(domain_id: str, section: str | None, name: str | None) -> NotConfigured:
    what = f"group {section}" if section else "any options"
    return NotConfigured(what=f"option {name} in {what}" if name else what, domain_id=domain_id)


def _document(options: list[tuple[str, str, Any]], name: str | None) -> Document:
    """By group; but one option alone where it was asked for."""
    if name is not None:
        return {option: value for _, option, value in options}
    document: Document = {}
    for section, option, value in options:
        document.setdefault(section, {})[option] = value
    return document


def get(
    keystone: Keystone, domain_id: str, section: str | None = None, name: str | None = None
) -> Document:
    """What the domain has set, without its secrets. Raises NotKnown, NotConfigured,
    BadConfiguration."""
    with keystone.db.reading() as session:
        find_domain(session, domain_id)
        return _read(session, domain_id, section, name)


def _read(
    session: Session, domain_id: str, section: str | None = None, name: str | None = None
) -> Document:
    _check_names(section, name)
    options = [(row.section, row.name, row.value)
             for row in _rows(session, domain_id, section, name) if not row.secret]
    if not options:
        raise _absent(domain_id, section, name)
    return _document(options, name)


def default(section: str | None = None, name: str | None = None) -> Document:
    """What holds where a domain sets nothing: all of it, a group, or one option. Raises
    BadConfiguration for what there is not, and for what is never told."""
    _check_names(section, name)
    if name is not None and section is not None:
        if name not in DEFAULTS[section]:
            raise BadConfiguration(reason=f"Reading the default for option {name} in group "
                                          f"{section} is not supported")
        return {name: DEFAULTS[section][name]}
    return DEFAULTS if section is None else {section: DEFAULTS[section]}


def compliance(keystone: Keystone, domain_id: str, name: str | None = None) -> Document:
    """What a user must know to choose a password: of the default domain only, as it is one rule
    for the cloud."""
    if domain_id != "default":
        raise BadConfiguration(reason="Reading security compliance information for any domain "
                                      "other than the default domain is not supported")
    rule = _password_rule(keystone)
    if name is None:
        return {COMPLIANCE: rule}
    if name not in rule:
        raise BadConfiguration(reason="Of security compliance only password_regex and "
                                      "password_regex_description may be read")
    return {name: rule[name]}


def _password_rule(keystone: Keystone) -> Document:
    settings = keystone.compliance
    return {"password_regex": settings.password_regex or None,
            "password_regex_description": settings.password_regex_description or None}


def create(
    keystone: Keystone, ctx: Context, domain_id: str, config: Document
) -> tuple[Document, bool]:
    """Instead of whatever there was; and whether there was nothing."""
    with changing(keystone, ctx, "domain_config", f"domain ID {domain_id}") as change:
        session = change.session
        find_domain(session, domain_id)
        _checked(config)
        first = not _rows(session, domain_id, None, None)
        session.execute(delete(DomainOption).where(DomainOption.domain_id == domain_id))
        _write(keystone, session, domain_id, config)
        session.flush()
        options = [(row.section, row.name, row.value)
                 for row in _rows(session, domain_id, None, None) if not row.secret]
        change.record("domain_config", "created", domain_id)
    return _document(options, None), first


def update(
    keystone: Keystone, ctx: Context, domain_id: str, config: Document,
    section: str | None = None, name: str | None = None,
) -> Document:
    """Over what there is; of a group or an option that was named, only that and only if it is
    there already."""
    with changing(keystone, ctx, "domain_config", f"domain ID {domain_id}") as change:
        session = change.session
        find_domain(session, domain_id)
        request = _checked({section: config} if section and name else config)
        _check_names(section, name)
        if section is not None:
            named = [name] if name else list(request.get(section, {}))
            if list(request) != [section] or list(request[section]) != named:
                raise BadConfiguration(
                    reason=f"Of {section}{'.' + name if name else ''}, that and only that must "
                           "be specified in the config"
                )
            if not _rows(session, domain_id, section, name):
                raise _absent(domain_id, section, name)
        _write(keystone, session, domain_id, request)
        session.flush()
        change.record("domain_config", "updated", domain_id)
        return _read(session, domain_id)


def _write(keystone: Keystone, session: Session, domain_id: str, config: Document) -> None:
    for section, options in config.items():
        for name, value in options.items():
            secret = name in SECRET[section]
            kept = keystone.encryption.encrypt(str(value)) if secret else value
            session.merge(DomainOption(
                domain_id=domain_id, section=section, name=name, value=kept, secret=secret
            ))


def remove(
    keystone: Keystone, ctx: Context, domain_id: str, section: str | None = None,
    name: str | None = None,
) -> None:
    """Delete all that the domain has set, a group, or one option. Raises NotKnown,
    BadConfiguration; NotConfigured for a group or an option that is not set."""
    with changing(keystone, ctx, "domain_config", f"domain ID {domain_id}") as change:
        session = change.session
        find_domain(session, domain_id)
        _check_names(section, name)
        rows = _rows(session, domain_id, section, name)
        if section is not None and not rows:
            raise _absent(domain_id, section, name)
        for row in rows:
            session.delete(row)
        if rows:
            change.record("domain_config", "deleted", domain_id)
        else:
            events.unchanged()
