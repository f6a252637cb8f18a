"""lock usage, and remember the ids of purged images"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('spent_ids',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_spent_ids'))
    )
    op.create_table('usage_locks',
    sa.Column('project_id', sa.String(length=255), nullable=False),
    sa.Column('locked_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mariadb').with_variant(mysql.DATETIME(fsp=6), 'mysql'), nullable=False),
    sa.PrimaryKeyConstraint('project_id', name=op.f('pk_usage_locks'))
    )


def downgrade() -> None:
    op.drop_table('usage_locks')
    op.drop_table('spent_ids')
