"""Compare texts exactly"""

from alembic import op

from cairn.common import collation

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    collation.make_exact(op.get_bind())


def downgrade() -> None:
    """The release before works with either."""
