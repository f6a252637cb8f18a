"""Keep snapshots current"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('resource_provider_changes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_resource_provider_changes'))
    )
    with op.batch_alter_table('inventories', schema=None) as batch_op:
        batch_op.alter_column('allocation_ratio',
               existing_type=sa.FLOAT(),
               type_=sa.Double(),
               existing_nullable=False)
        batch_op.alter_column('used',
               existing_type=sa.INTEGER(),
               type_=sa.BigInteger(),
               existing_nullable=False)



def downgrade() -> None:
    with op.batch_alter_table('inventories', schema=None) as batch_op:
        batch_op.alter_column('used',
               existing_type=sa.BigInteger(),
               type_=sa.INTEGER(),
               existing_nullable=False)
        batch_op.alter_column('allocation_ratio',
               existing_type=sa.Double(),
               type_=sa.FLOAT(),
               existing_nullable=False)

    op.drop_table('resource_provider_changes')
