"""Remember what is shelved, and what is deleted but kept"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    with op.batch_alter_table('servers') as batch_op:
        batch_op.add_column(sa.Column('shelved_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('shelved_image', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('soft_deleted_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('state_before', sa.String(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('servers') as batch_op:
        for name in ('state_before', 'soft_deleted_at', 'shelved_image', 'shelved_at'):
            batch_op.drop_column(name)
