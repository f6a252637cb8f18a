"""Give block devices rows of their own"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    op.create_table(
        'block_device_mapping',
        sa.Column('number', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('server_id', sa.String(length=36), nullable=False),
        sa.Column('source_type', sa.String(length=16), nullable=False),
        sa.Column('destination_type', sa.String(length=16), nullable=False),
        sa.Column('device_type', sa.String(length=16), nullable=True),
        sa.Column('disk_bus', sa.String(length=16), nullable=True),
        sa.Column('boot_index', sa.Integer(), nullable=True),
        sa.Column('delete_on_termination', sa.Boolean(), nullable=False),
        sa.Column('device_name', sa.String(length=255), nullable=True),
        sa.Column('guest_format', sa.String(length=255), nullable=True),
        sa.Column('tag', sa.String(length=64), nullable=True),
        sa.Column('image_id', sa.String(length=36), nullable=True),
        sa.Column('snapshot_id', sa.String(length=36), nullable=True),
        sa.Column('volume_id', sa.String(length=36), nullable=True),
        sa.Column('volume_size', sa.Integer(), nullable=True),
        sa.Column('volume_type', sa.String(length=255), nullable=True),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('attachment_id', sa.String(length=36), nullable=True),
        sa.Column('connection_info', sa.JSON(), nullable=True),
        sa.Column('encryption', sa.JSON(), nullable=True),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('updated_at', MOMENT, nullable=True),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_block_device_mapping')),
        sa.UniqueConstraint('id', name=op.f('uq_block_device_mapping_id')),
        sa.UniqueConstraint('server_id', 'volume_id',
                            name=op.f('uq_block_device_mapping_server_id_volume_id')),
    )
    with op.batch_alter_table('block_device_mapping') as batch_op:
        batch_op.create_index(batch_op.f('ix_block_device_mapping_volume_id'), ['volume_id'],
                              unique=False)
    _carry_over()


def _carry_over() -> None:
    """What servers have: disks of their hosts, for there were no others. A run before this one may
    have been killed anywhere in here."""
    meta = sa.MetaData()
    connection = op.get_bind()
    servers = sa.Table('servers', meta, autoload_with=connection)
    devices = sa.Table('block_device_mapping', meta, autoload_with=connection)
    connection.execute(sa.delete(devices))
    rows = connection.execute(
        sa.select(servers.c.id, sa.type_coerce(servers.c.block_devices, sa.JSON),
                  servers.c.created_at)
        .where(sa.type_coerce(servers.c.block_devices, sa.String) != '[]'))
    carried = [
        {'id': str(uuid.uuid4()), 'server_id': server_id, 'source_type': device['source'],
         'destination_type': device['destination'], 'device_type': device.get('device_type'),
         'disk_bus': device.get('bus'), 'boot_index': device.get('boot_index'),
         'delete_on_termination': bool(device.get('delete_on_termination', True)),
         'device_name': device.get('device'), 'guest_format': device.get('guest_format'),
         'tag': device.get('tag'), 'image_id': device.get('image_id'),
         'volume_size': device.get('size'), 'state': 'attached', 'created_at': created}
        for server_id, block_devices, created in rows for device in block_devices or ()]
    if carried:
        connection.execute(sa.insert(devices), carried)


def downgrade() -> None:
    op.drop_table('block_device_mapping')
