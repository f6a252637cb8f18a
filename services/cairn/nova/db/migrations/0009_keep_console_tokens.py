"""Keep tokens of consoles"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    op.create_table(
        'console_tokens',
        sa.Column('number', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('server_id', sa.String(length=36), nullable=False),
        sa.Column('user_id', sa.String(length=64), nullable=False),
        sa.Column('project_id', sa.String(length=64), nullable=False),
        sa.Column('access', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('console_type', sa.String(length=16), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('address', sa.String(length=255), nullable=False),
        sa.Column('port', sa.Integer(), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('expires_at', MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_console_tokens')),
        sa.UniqueConstraint('token_hash', name=op.f('uq_console_tokens_token_hash')),
    )
    with op.batch_alter_table('console_tokens') as batch_op:
        batch_op.create_index(batch_op.f('ix_console_tokens_server_id'), ['server_id'],
                              unique=False)
        batch_op.create_index(batch_op.f('ix_console_tokens_expires_at'), ['expires_at'],
                              unique=False)


def downgrade() -> None:
    op.drop_table('console_tokens')
