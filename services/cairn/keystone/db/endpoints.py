"""Who sees which endpoints, and which policy document an endpoint goes by."""

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Json
from cairn.keystone.db.models import Base, Key


class EndpointGroup(Base):
    """All endpoints with the values that `filters` names (service_id, region_id, interface)."""

    __tablename__ = "endpoint_groups"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    filters: Mapped[Json] = mapped_column(default=dict)


class ProjectEndpoint(Base):
    """A project that has any of these, or of the next, finds no other endpoint in its catalog."""

    __tablename__ = "project_endpoints"

    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    endpoint_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ProjectEndpointGroup(Base):
    __tablename__ = "project_endpoint_groups"

    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    endpoint_group_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("endpoint_groups.id", ondelete="CASCADE"), primary_key=True,
        index=True,
    )


class PolicyAssociation(Base):
    """The policy of an endpoint, of a service, or of a service in a region."""

    __tablename__ = "policy_associations"

    # The three ids in one, because NULLs are never equal: what has a policy has one.
    place: Mapped[str] = mapped_column(String(400), primary_key=True)
    policy_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("policies.id", ondelete="CASCADE"), index=True
    )
    endpoint_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("endpoints.id", ondelete="CASCADE"), index=True
    )
    service_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("services.id", ondelete="CASCADE"), index=True
    )
    region_id: Mapped[str | None] = mapped_column(
        String(255), ForeignKey("regions.id", ondelete="CASCADE"), index=True
    )
