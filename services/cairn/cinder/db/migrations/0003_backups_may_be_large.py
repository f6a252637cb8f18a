"""Backups may be large"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What one takes is told in bytes: more than 2 GiB of them."""
    with op.batch_alter_table('backups') as backups:
        backups.alter_column('stored', existing_type=sa.Integer(), type_=sa.BigInteger(),
                             existing_nullable=True)


def downgrade() -> None:
    """The release before works with either."""
