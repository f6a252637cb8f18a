"""Keystone's tables.

Names are compared exactly, as all texts are: two accounts that a human can tell apart are never one
account. (Upstream leaves that to the database's collation.)
"""

import datetime as dt
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from cairn.common.db import Id, Json, Moment, Name, Timestamps, new_hex_id, new_metadata, utcnow
from cairn.common.events import EventReaderRow, EventRow
from cairn.common.periodic import PeriodicRow

Key = Annotated[str, mapped_column(String(64), primary_key=True, default=new_hex_id)]
Kind = Annotated[str, mapped_column(String(8))]

# The domain of domains, and of roles that belong to none: a value, because NULLs are never equal
# and a unique key over them would not be one.
ROOT = ""


class Base(DeclarativeBase):
    metadata = new_metadata()


class Project(Timestamps, Base):
    """A project, or a domain, which is a project that acts as one."""

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[Key]
    domain_id: Mapped[Id]
    # The project above; the domain itself for those at the top; NULL for a domain.
    parent_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("projects.id"), index=True
    )
    is_domain: Mapped[bool] = mapped_column(default=False)
    name: Mapped[Name]
    description: Mapped[str | None] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    options: Mapped[Json] = mapped_column(default=dict)
    extra: Mapped[Json] = mapped_column(default=dict)


class ProjectTag(Base):
    __tablename__ = "project_tags"

    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[Name] = mapped_column(primary_key=True)


class User(Timestamps, Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[Key]
    domain_id: Mapped[str] = mapped_column(String(64), ForeignKey("projects.id"))
    name: Mapped[Name]
    enabled: Mapped[bool] = mapped_column(default=True)
    default_project_id: Mapped[str | None] = mapped_column(String(64))
    # Argon2id in its own string form; NULL when the user cannot log in by password.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_set_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    password_expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # Whether the user chose it, rather than an admin.
    password_self_service: Mapped[bool] = mapped_column(default=False)
    # Logins that failed since the last that did not, and when the last of them was.
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # The day of the last login; kept only where security_compliance asks for it.
    last_active_at: Mapped[dt.date | None]
    options: Mapped[Json] = mapped_column(default=dict)
    extra: Mapped[Json] = mapped_column(default=dict)


class Group(Timestamps, Base):
    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[Key]
    domain_id: Mapped[str] = mapped_column(String(64), ForeignKey("projects.id"))
    name: Mapped[Name]
    description: Mapped[str | None] = mapped_column(Text, default="")
    extra: Mapped[Json] = mapped_column(default=dict)


class Membership(Base):
    __tablename__ = "memberships"

    user_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    since: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)


class Role(Timestamps, Base):
    """A role; one with a domain means nothing by itself, only by what it implies."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[Key]
    domain_id: Mapped[str] = mapped_column(String(64), default=ROOT)
    name: Mapped[Name]
    description: Mapped[str | None] = mapped_column(Text)
    options: Mapped[Json] = mapped_column(default=dict)
    extra: Mapped[Json] = mapped_column(default=dict)


class ImpliedRole(Base):
    __tablename__ = "implied_roles"

    prior_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )
    implied_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Assignment(Base):
    """Somebody has a role somewhere. `inherited`: not there, but on every project below."""

    __tablename__ = "assignments"
    __table_args__ = (Index("ix_assignments_target_id", "target_id"),)

    actor_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    target_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    role_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    # "project", "domain" or "system": a domain's id is also that of the project it acts as.
    target: Mapped[Kind] = mapped_column(primary_key=True)
    inherited: Mapped[bool] = mapped_column(primary_key=True, default=False)
    # "user" or "group".
    actor: Mapped[Kind]


class Region(Base):
    __tablename__ = "regions"

    id: Mapped[str] = mapped_column(String(255), primary_key=True, default=new_hex_id)
    parent_id: Mapped[str | None] = mapped_column(String(255), ForeignKey("regions.id"))
    description: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[Json] = mapped_column(default=dict)


class Service(Base):
    __tablename__ = "services"

    id: Mapped[Key]
    type: Mapped[str] = mapped_column(String(255), index=True)
    name: Mapped[str | None] = mapped_column(String(255))
    enabled: Mapped[bool] = mapped_column(default=True)
    extra: Mapped[Json] = mapped_column(default=dict)


class Endpoint(Base):
    __tablename__ = "endpoints"

    id: Mapped[Key]
    service_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("services.id", ondelete="CASCADE"), index=True
    )
    region_id: Mapped[str | None] = mapped_column(
        String(255), ForeignKey("regions.id"), index=True
    )
    interface: Mapped[str] = mapped_column(String(8))
    url: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    extra: Mapped[Json] = mapped_column(default=dict)


class Credential(Base):
    """A secret a user keeps here, such as an EC2 key pair; only ever stored encrypted."""

    __tablename__ = "credentials"

    id: Mapped[Key]
    user_id: Mapped[str] = mapped_column(String(64), index=True)
    project_id: Mapped[str | None] = mapped_column(String(64), index=True)
    type: Mapped[str] = mapped_column(String(255))
    # Encrypted, see core/encrypted_values.py.
    blob: Mapped[str] = mapped_column(Text)
    # Of a one-time passcode: the 30 second window of the last that was used, for none works twice.
    used_window: Mapped[int | None] = mapped_column(BigInteger)
    extra: Mapped[Json] = mapped_column(default=dict)


class Trust(Timestamps, Base):
    """A user lets another act with some roles on a project, perhaps in the first one's name."""

    __tablename__ = "trusts"

    id: Mapped[Key]
    trustor_user_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    trustee_user_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    project_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    impersonation: Mapped[bool]
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # Tokens it may still be used for; NULL for any number.
    remaining_uses: Mapped[int | None]
    # The trust it was made with, and how often that may be done again with this one.
    redelegated_trust_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("trusts.id", ondelete="CASCADE")
    )
    redelegation_count: Mapped[int] = mapped_column(default=0)
    extra: Mapped[Json] = mapped_column(default=dict)


class TrustRole(Base):
    __tablename__ = "trust_roles"

    trust_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("trusts.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )


class ApplicationCredential(Timestamps, Base):
    """A user's second password, good for some of the user's roles on one project."""

    __tablename__ = "application_credentials"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Key]
    user_id: Mapped[str] = mapped_column(String(64), ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[Name]
    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    secret_hash: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # Whether its tokens may make more of its kind.
    unrestricted: Mapped[bool] = mapped_column(default=False)
    # Whether only what an access rule names may be asked with its tokens.
    ruled: Mapped[bool] = mapped_column(default=False)


class ApplicationCredentialRole(Base):
    __tablename__ = "application_credential_roles"

    application_credential_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("application_credentials.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )


class AccessRule(Base):
    """A request that an application credential may be limited to; kept by its user for reuse."""

    __tablename__ = "access_rules"
    __table_args__ = (UniqueConstraint("user_id", "service", "method", "digest"),)

    id: Mapped[Key]
    user_id: Mapped[str] = mapped_column(String(64), ForeignKey("users.id", ondelete="CASCADE"))
    service: Mapped[str] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(Text)
    # Of the path, which is too long for a key.
    digest: Mapped[str] = mapped_column(String(64))


class ApplicationCredentialRule(Base):
    __tablename__ = "application_credential_rules"

    application_credential_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("application_credentials.id", ondelete="CASCADE"), primary_key=True
    )
    access_rule_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("access_rules.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class PolicyBlob(Base):
    """A policy document kept for somebody else: nothing here reads it."""

    __tablename__ = "policies"

    id: Mapped[Key]
    type: Mapped[str] = mapped_column(String(255))
    blob: Mapped[Any] = mapped_column(JSON)
    extra: Mapped[Json] = mapped_column(default=dict)


class RegisteredLimit(Timestamps, Base):
    """How much of a service's resource any project may have, unless a limit says otherwise."""

    __tablename__ = "registered_limits"
    __table_args__ = (UniqueConstraint("service_id", "resource_name", "region_key"),)

    id: Mapped[Key]
    service_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("services.id", ondelete="CASCADE")
    )
    region_id: Mapped[str | None] = mapped_column(String(255), ForeignKey("regions.id"))
    # The region's id, "" for none: see ROOT.
    region_key: Mapped[str] = mapped_column(String(255), default=ROOT)
    resource_name: Mapped[Name]
    default_limit: Mapped[int]
    description: Mapped[str | None] = mapped_column(Text)


class Limit(Timestamps, Base):
    """How much one project, or one domain, may have of what a registered limit is about."""

    __tablename__ = "limits"
    __table_args__ = (UniqueConstraint("registered_limit_id", "owner_id"),)

    id: Mapped[Key]
    registered_limit_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("registered_limits.id", ondelete="CASCADE")
    )
    # The project or the domain: a domain's id is a project's as well.
    owner_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    of_domain: Mapped[bool] = mapped_column(default=False)
    registered: Mapped[RegisteredLimit] = relationship(viewonly=True)
    resource_limit: Mapped[int]
    description: Mapped[str | None] = mapped_column(Text)


class Revoked(Base):
    """Tokens that no longer hold (common.tokens.Revocation); kept as long as one could be alive."""

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    # Unix seconds; a float of 53 bits keeps microseconds.
    issued_before: Mapped[float] = mapped_column(Double, index=True)
    audit_id: Mapped[str | None] = mapped_column(String(32))
    audit_chain_id: Mapped[str | None] = mapped_column(String(32))
    user_id: Mapped[str | None] = mapped_column(String(64))
    project_id: Mapped[str | None] = mapped_column(String(64))
    domain_id: Mapped[str | None] = mapped_column(String(64))
    role_id: Mapped[str | None] = mapped_column(String(64))
    delegation_id: Mapped[str | None] = mapped_column(String(64))


class Stamp(Base):
    """Counts the changes of something that processes keep a copy of ("catalog", "roles")."""

    __tablename__ = "stamps"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)


class Periodic(PeriodicRow, Base):
    """What one of keystone's processes does from time to time."""


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""


# The rest of the schema. Below what it is made of, which it imports from here.
from cairn.keystone.db import accounts, configuration, endpoints, oauth1  # noqa: E402, F401
