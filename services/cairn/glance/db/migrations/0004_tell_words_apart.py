"""Tell words apart"""

from alembic import op
from sqlalchemy.dialects import mysql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

NAMES = [("image_properties", "name", 255), ("image_tags", "value", 255),
         ("image_members", "member", 255), ("metadef_namespaces", "namespace", 80),
         ("metadef_objects", "name", 80), ("metadef_properties", "name", 80),
         ("metadef_tags", "name", 80),
         ("metadef_resource_types", "name", 80)]


def upgrade() -> None:
    _collate("utf8mb4_nopad_bin")


def downgrade() -> None:
    _collate("utf8mb4_bin")


def _collate(collation: str) -> None:
    if op.get_context().dialect.name in ("mysql", "mariadb"):
        for table, column, length in NAMES:
            op.alter_column(table, column, existing_nullable=False,
                            type_=mysql.VARCHAR(length, collation=collation))
