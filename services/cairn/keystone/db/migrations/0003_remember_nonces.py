"""remember the nonces of signed logins"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    op.create_table(
        "oauth1_nonces",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth1_nonces")),
    )
    op.create_index(op.f("ix_oauth1_nonces_until"), "oauth1_nonces", ["until"])
