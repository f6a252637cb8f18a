"""What is kept of users' accounts beside the users."""

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Moment, utcnow
from cairn.keystone.db.models import Base


class PastPassword(Base):
    """A password that a user had, so that it is not chosen again: the hash of it."""

    __tablename__ = "past_passwords"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    password_hash: Mapped[str] = mapped_column(String(255))
    ended_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
