"""Count the changes of a server's ports"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('servers') as batch_op:
        # The release before this writes servers without it.
        batch_op.add_column(sa.Column(
            'vifs_revision', sa.Integer(), nullable=False, server_default='0'))


def downgrade() -> None:
    with op.batch_alter_table('servers') as batch_op:
        batch_op.drop_column('vifs_revision')
