"""Know whether somebody said that a volume is only read, or not"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('volumes') as batch_op:
        batch_op.alter_column('readonly', existing_type=sa.Boolean(), nullable=True)
    op.execute("UPDATE volumes SET readonly = NULL WHERE readonly = 0")


def downgrade() -> None:
    op.execute("UPDATE volumes SET readonly = 0 WHERE readonly IS NULL")
    with op.batch_alter_table('volumes') as batch_op:
        batch_op.alter_column('readonly', existing_type=sa.Boolean(), nullable=False)
