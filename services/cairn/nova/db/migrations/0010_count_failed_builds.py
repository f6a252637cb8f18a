"""Count the builds that a host failed"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('hypervisors') as batch_op:
        # The release before this writes hypervisors without it.
        batch_op.add_column(sa.Column(
            'failed_builds', sa.Integer(), nullable=False, server_default='0'))


def downgrade() -> None:
    with op.batch_alter_table('hypervisors') as batch_op:
        batch_op.drop_column('failed_builds')
