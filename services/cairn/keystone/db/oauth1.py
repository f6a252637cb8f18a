"""OAuth 1.0a (RFC 5849): programs, what they ask for, and what they were given."""

import datetime as dt

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Json, JsonList, Moment
from cairn.keystone.db.models import Base, Key


class Consumer(Base):
    """A program that users may let act for them. Secrets of this module are stored encrypted."""

    __tablename__ = "consumers"

    id: Mapped[Key]
    secret: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    extra: Mapped[Json] = mapped_column(default=dict)


class RequestToken(Base):
    """A consumer's wish to act on a project; with a verifier once a user has said yes."""

    __tablename__ = "oauth1_request_tokens"

    id: Mapped[Key]
    secret: Mapped[str] = mapped_column(Text)
    consumer_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("consumers.id", ondelete="CASCADE"), index=True
    )
    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str | None] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    role_ids: Mapped[JsonList] = mapped_column(default=list)
    verifier: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class Nonce(Base):
    """A signed login that was used: none works twice while it would be good."""

    __tablename__ = "oauth1_nonces"

    # Of who signed, the moment and the nonce.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[dt.datetime] = mapped_column(Moment, index=True)


class AccessToken(Base):
    """A consumer acts for a user, with these roles, on a project."""

    __tablename__ = "oauth1_access_tokens"

    id: Mapped[Key]
    secret: Mapped[str] = mapped_column(Text)
    consumer_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("consumers.id", ondelete="CASCADE"), index=True
    )
    project_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    role_ids: Mapped[JsonList] = mapped_column(default=list)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)
