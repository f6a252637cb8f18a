"""rules have their prefix normalized"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('security_group_rules',
                  sa.Column('normalized_cidr', sa.String(length=64), nullable=True))
    # So far they were stored so.
    op.execute('UPDATE security_group_rules SET normalized_cidr = remote_ip_prefix')


def downgrade() -> None:
    op.drop_column('security_group_rules', 'normalized_cidr')
