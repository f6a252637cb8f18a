"""Domain configuration, endpoint filters and policies, OAuth 1.0a"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mariadb').with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade() -> None:
    op.create_table('consumers',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('extra', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consumers'))
    )
    op.create_table('endpoint_groups',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('filters', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_endpoint_groups'))
    )
    op.create_table('domain_options',
    sa.Column('domain_id', sa.String(length=64), nullable=False),
    sa.Column('section', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('value', sa.JSON(), nullable=False),
    sa.Column('secret', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['domain_id'], ['projects.id'], name=op.f('fk_domain_options_domain_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('domain_id', 'section', 'name', name=op.f('pk_domain_options'))
    )
    op.create_table('project_endpoint_groups',
    sa.Column('project_id', sa.String(length=64), nullable=False),
    sa.Column('endpoint_group_id', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['endpoint_group_id'], ['endpoint_groups.id'], name=op.f('fk_project_endpoint_groups_endpoint_group_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_project_endpoint_groups_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('project_id', 'endpoint_group_id', name=op.f('pk_project_endpoint_groups'))
    )
    with op.batch_alter_table('project_endpoint_groups', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_endpoint_groups_endpoint_group_id'), ['endpoint_group_id'], unique=False)

    op.create_table('oauth1_access_tokens',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('consumer_id', sa.String(length=64), nullable=False),
    sa.Column('project_id', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.String(length=64), nullable=False),
    sa.Column('role_ids', sa.JSON(), nullable=False),
    sa.Column('expires_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['consumer_id'], ['consumers.id'], name=op.f('fk_oauth1_access_tokens_consumer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_oauth1_access_tokens_project_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_oauth1_access_tokens_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_oauth1_access_tokens'))
    )
    with op.batch_alter_table('oauth1_access_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_oauth1_access_tokens_consumer_id'), ['consumer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_oauth1_access_tokens_project_id'), ['project_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_oauth1_access_tokens_user_id'), ['user_id'], unique=False)

    op.create_table('oauth1_request_tokens',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('consumer_id', sa.String(length=64), nullable=False),
    sa.Column('project_id', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.String(length=64), nullable=True),
    sa.Column('role_ids', sa.JSON(), nullable=False),
    sa.Column('verifier', sa.String(length=64), nullable=True),
    sa.Column('expires_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['consumer_id'], ['consumers.id'], name=op.f('fk_oauth1_request_tokens_consumer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_oauth1_request_tokens_project_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_oauth1_request_tokens_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_oauth1_request_tokens'))
    )
    with op.batch_alter_table('oauth1_request_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_oauth1_request_tokens_consumer_id'), ['consumer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_oauth1_request_tokens_project_id'), ['project_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_oauth1_request_tokens_user_id'), ['user_id'], unique=False)

    op.create_table('policy_associations',
    sa.Column('place', sa.String(length=400), nullable=False),
    sa.Column('policy_id', sa.String(length=64), nullable=False),
    sa.Column('endpoint_id', sa.String(length=64), nullable=True),
    sa.Column('service_id', sa.String(length=64), nullable=True),
    sa.Column('region_id', sa.String(length=255), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['endpoints.id'], name=op.f('fk_policy_associations_endpoint_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['policy_id'], ['policies.id'], name=op.f('fk_policy_associations_policy_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['region_id'], ['regions.id'], name=op.f('fk_policy_associations_region_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['service_id'], ['services.id'], name=op.f('fk_policy_associations_service_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_policy_associations'))
    )
    with op.batch_alter_table('policy_associations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_policy_associations_endpoint_id'), ['endpoint_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_policy_associations_policy_id'), ['policy_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_policy_associations_region_id'), ['region_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_policy_associations_service_id'), ['service_id'], unique=False)

    op.create_table('project_endpoints',
    sa.Column('project_id', sa.String(length=64), nullable=False),
    sa.Column('endpoint_id', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['endpoint_id'], ['endpoints.id'], name=op.f('fk_project_endpoints_endpoint_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_project_endpoints_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('project_id', 'endpoint_id', name=op.f('pk_project_endpoints'))
    )
    with op.batch_alter_table('project_endpoints', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_endpoints_endpoint_id'), ['endpoint_id'], unique=False)


def downgrade() -> None:
    for table in (
        'project_endpoints', 'policy_associations', 'oauth1_request_tokens',
        'oauth1_access_tokens', 'project_endpoint_groups', 'domain_options', 'endpoint_groups',
        'consumers',
    ):
        op.drop_table(table)
