"""Accounts: failed logins, past passwords, used passcodes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mariadb').with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    op.create_table('past_passwords',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('user_id', sa.String(length=64), nullable=False),
    sa.Column('password_hash', sa.String(length=255), nullable=False),
    sa.Column('ended_at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_past_passwords_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_past_passwords'))
    )
    with op.batch_alter_table('past_passwords', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_past_passwords_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('credentials', schema=None) as batch_op:
        batch_op.add_column(sa.Column('used_window', sa.BigInteger(), nullable=True))

    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.add_column(sa.Column('password_self_service', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('failures', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('failed_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('last_active_at', sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_column('last_active_at')
        batch_op.drop_column('failed_at')
        batch_op.drop_column('failures')
        batch_op.drop_column('password_self_service')

    with op.batch_alter_table('credentials', schema=None) as batch_op:
        batch_op.drop_column('used_window')

    op.drop_table('past_passwords')
