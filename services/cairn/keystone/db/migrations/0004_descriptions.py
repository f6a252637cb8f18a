"""A description that was given as null stays null"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('projects', 'groups'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column('description', existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    for table in ('projects', 'groups'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column('description', existing_type=sa.Text(), nullable=False)
