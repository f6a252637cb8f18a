"""Hold works by tokens, elect who forgets"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'
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
    with op.batch_alter_table('work') as batch_op:
        batch_op.add_column(sa.Column('lease_token', sa.String(length=32), nullable=True))
        batch_op.create_index(batch_op.f('ix_work_lease_token'), ['lease_token'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('work') as batch_op:
        batch_op.drop_index(batch_op.f('ix_work_lease_token'))
        batch_op.drop_column('lease_token')
    op.drop_table('periodic')
