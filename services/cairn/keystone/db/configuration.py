"""What a domain sets for itself."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cairn.keystone.db.models import Base


class DomainOption(Base):
    """One option of a domain's configuration; a secret one has its value encrypted."""

    __tablename__ = "domain_options"

    domain_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    section: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    secret: Mapped[bool] = mapped_column(default=False)
