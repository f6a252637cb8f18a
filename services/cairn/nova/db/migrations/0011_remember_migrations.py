"""Remember migrations"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    op.create_table(
        'migrations',
        sa.Column('number', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('server_id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.String(length=64), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('status', sa.String(length=32), nullable=False),
        sa.Column('source', sa.String(length=255), nullable=False),
        sa.Column('source_node', sa.String(length=255), nullable=False),
        sa.Column('destination', sa.String(length=255), nullable=True),
        sa.Column('destination_node', sa.String(length=255), nullable=True),
        sa.Column('destination_address', sa.String(length=45), nullable=True),
        sa.Column('old_flavor', sa.JSON(), nullable=False),
        sa.Column('new_flavor', sa.JSON(), nullable=False),
        sa.Column('was', sa.String(length=32), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('updated_at', MOMENT, nullable=True),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_migrations')),
        sa.UniqueConstraint('id', name=op.f('uq_migrations_id')),
        sa.Index(op.f('ix_migrations_server_id'), 'server_id'),
        sa.Index(op.f('ix_migrations_status'), 'status'),
    )


def downgrade() -> None:
    op.drop_table('migrations')
