"""Record events"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'events',
        sa.Column('id', NUMBER, autoincrement=True, nullable=False),
        sa.Column('sequence', sa.BigInteger(), nullable=True),
        sa.Column('at', MOMENT, nullable=False),
        sa.Column('type', sa.String(length=128), nullable=False),
        sa.Column('request_id', sa.String(length=64), nullable=False),
        sa.Column('project_id', sa.String(length=255), nullable=False),
        sa.Column('user_id', sa.String(length=255), nullable=False),
        sa.Column('resource_type', sa.String(length=64), nullable=False),
        sa.Column('resource_id', sa.String(length=255), nullable=False),
        sa.Column('payload', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_events')),
    )
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_events_sequence'), ['sequence'], unique=False)
    op.create_table(
        'event_readers',
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('position', sa.BigInteger(), nullable=False),
        sa.Column('seen_at', MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_event_readers')),
    )


def downgrade() -> None:
    op.drop_table('event_readers')
    op.drop_table('events')
