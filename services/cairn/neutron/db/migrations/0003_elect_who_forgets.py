"""Elect who forgets"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    op.create_table(
        'periodic',
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('holder', sa.String(length=255), nullable=False),
        sa.Column('token', sa.String(length=32), nullable=False),
        sa.Column('until', MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_periodic')),
    )


def downgrade() -> None:
    op.drop_table('periodic')
