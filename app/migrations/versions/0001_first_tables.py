"""first tables."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn, Sequence, UtcDateTime

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_keys',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('scopes', JsonColumn, nullable=False),
    sa.Column('numbers', JsonColumn, nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('revoked_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('hash', name=op.f('uq_api_keys_hash')),
    sa.UniqueConstraint('name', name=op.f('uq_api_keys_name'))
    )
    op.create_table('contacts',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('wa_id', sa.Text(), nullable=True),
    sa.Column('user_id', sa.Text(), nullable=True),
    sa.Column('parent_user_id', sa.Text(), nullable=True),
    sa.Column('username', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('event_count', Sequence, nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts'))
    )
    op.create_table('events',
    sa.Column('sequence', Sequence, nullable=False),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('phone_number_id', sa.Text(), nullable=True),
    sa.Column('contact_id', sa.String(length=36), nullable=True),
    sa.Column('contact_sequence', Sequence, nullable=True),
    sa.Column('message_id', sa.String(length=36), nullable=True),
    sa.Column('notification_id', sa.String(length=36), nullable=True),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('timestamp', UtcDateTime(), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('data', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('sequence', name=op.f('pk_events')),
    sa.UniqueConstraint('id', name=op.f('uq_events_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index('ix_events_contact_id_sequence', ['contact_id', 'sequence'], unique=False)
        batch_op.create_index('ix_events_message_id', ['message_id'], unique=False)
        batch_op.create_index('ix_events_notification_id', ['notification_id'], unique=False)
        batch_op.create_index('uq_events_key', ['key'], unique=True)

    op.create_table('jobs',
    sa.Column('id', Sequence, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=False),
    sa.Column('claim_id', sa.String(length=36), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.String(length=64), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs'))
    )
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.create_index('ix_jobs_kind_due_at', ['kind', 'due_at'], unique=False)

    op.create_table('notifications',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('verified_by', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('request_id', sa.String(length=64), nullable=False),
    sa.Column('processed_at', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('items', sa.Integer(), nullable=True),
    sa.Column('books', JsonColumn, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications'))
    )
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.create_index('ix_notifications_state_id', ['state', 'id'], unique=False, sqlite_where=sa.text("state IN ('parked', 'quarantined')"), postgresql_where=sa.text("state IN ('parked', 'quarantined')"))

    op.create_table('numbers',
    sa.Column('phone_number_id', sa.Text(), nullable=False),
    sa.Column('display_phone_number', sa.Text(), nullable=True),
    sa.Column('waba_id', sa.Text(), nullable=True),
    sa.Column('app', sa.Text(), nullable=False),
    sa.Column('access_token', sa.Text(), nullable=True),
    sa.Column('app_secrets', sa.Text(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('phone_number_id', name=op.f('pk_numbers'))
    )
    op.create_table('parked_items',
    sa.Column('id', Sequence, nullable=False),
    sa.Column('notification_id', sa.String(length=36), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('phone_number_id', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parked_items'))
    )
    with op.batch_alter_table('parked_items', schema=None) as batch_op:
        batch_op.create_index('uq_parked_items_notification_id_position', ['notification_id', 'position'], unique=True)

    op.create_table('workers',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('seen_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workers'))
    )
    op.create_table('contact_aliases',
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('contact_id', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_contact_aliases_contact_id_contacts'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('kind', 'value', name=op.f('pk_contact_aliases'))
    )
    with op.batch_alter_table('contact_aliases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contact_aliases_contact_id'), ['contact_id'], unique=False)

    op.create_table('messages',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('direction', sa.String(length=8), nullable=False),
    sa.Column('phone_number_id', sa.Text(), nullable=False),
    sa.Column('wamid', sa.Text(), nullable=True),
    sa.Column('contact_id', sa.String(length=36), nullable=True),
    sa.Column('sender', sa.Text(), nullable=True),
    sa.Column('recipient', sa.Text(), nullable=True),
    sa.Column('message_type', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('content', JsonColumn, nullable=False),
    sa.Column('context', JsonColumn, nullable=True),
    sa.Column('referral', JsonColumn, nullable=True),
    sa.Column('group_id', sa.Text(), nullable=True),
    sa.Column('timestamp', UtcDateTime(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('error', JsonColumn, nullable=True),
    sa.Column('pricing', JsonColumn, nullable=True),
    sa.Column('callback_data', sa.Text(), nullable=True),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('flags', JsonColumn, nullable=False),
    sa.Column('notification_id', sa.String(length=36), nullable=True),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_messages_contact_id_contacts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('wamid', 'phone_number_id', name=op.f('uq_messages_wamid_phone_number_id'))
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index('ix_messages_contact_id_timestamp_id', ['contact_id', 'timestamp', 'id'], unique=False)
        batch_op.create_index('ix_messages_timestamp_id', ['timestamp', 'id'], unique=False)

    op.create_table('idempotency_keys',
    sa.Column('caller', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('message_id', sa.String(length=36), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_idempotency_keys_message_id_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('pk_idempotency_keys'))
    )
    with op.batch_alter_table('idempotency_keys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotency_keys_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_idempotency_keys_message_id'), ['message_id'], unique=False)

    op.create_table('send_attempts',
    sa.Column('id', Sequence, nullable=False),
    sa.Column('message_id', sa.String(length=36), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('wamid', sa.Text(), nullable=True),
    sa.Column('error', JsonColumn, nullable=True),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_send_attempts_message_id_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_send_attempts')),
    sa.UniqueConstraint('message_id', 'number', name=op.f('uq_send_attempts_message_id_number'))
    )
    with op.batch_alter_table('send_attempts', schema=None) as batch_op:
        batch_op.create_index('ix_send_attempts_state_started_at', ['state', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_send_attempts_wamid'), ['wamid'], unique=False)

    op.create_table('status_reports',
    sa.Column('id', Sequence, nullable=False),
    sa.Column('wamid', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('participant', sa.Text(), nullable=False),
    sa.Column('phone_number_id', sa.Text(), nullable=False),
    sa.Column('message_id', sa.String(length=36), nullable=True),
    sa.Column('timestamp', UtcDateTime(), nullable=False),
    sa.Column('error', JsonColumn, nullable=True),
    sa.Column('pricing', JsonColumn, nullable=True),
    sa.Column('callback_data', sa.Text(), nullable=True),
    sa.Column('notification_id', sa.String(length=36), nullable=True),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_status_reports_message_id_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_status_reports')),
    sa.UniqueConstraint('wamid', 'status', 'participant', 'phone_number_id', name=op.f('uq_status_reports_wamid_status_participant_phone_number_id'))
    )
    with op.batch_alter_table('status_reports', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_status_reports_message_id'), ['message_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('status_reports', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_status_reports_message_id'))

    op.drop_table('status_reports')
    with op.batch_alter_table('send_attempts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_send_attempts_wamid'))
        batch_op.drop_index('ix_send_attempts_state_started_at')

    op.drop_table('send_attempts')
    with op.batch_alter_table('idempotency_keys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotency_keys_message_id'))
        batch_op.drop_index(batch_op.f('ix_idempotency_keys_created_at'))

    op.drop_table('idempotency_keys')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('ix_messages_timestamp_id')
        batch_op.drop_index('ix_messages_contact_id_timestamp_id')

    op.drop_table('messages')
    with op.batch_alter_table('contact_aliases', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contact_aliases_contact_id'))

    op.drop_table('contact_aliases')
    op.drop_table('workers')
    with op.batch_alter_table('parked_items', schema=None) as batch_op:
        batch_op.drop_index('uq_parked_items_notification_id_position')

    op.drop_table('parked_items')
    op.drop_table('numbers')
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.drop_index('ix_notifications_state_id', sqlite_where=sa.text("state IN ('parked', 'quarantined')"), postgresql_where=sa.text("state IN ('parked', 'quarantined')"))

    op.drop_table('notifications')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index('ix_jobs_kind_due_at')

    op.drop_table('jobs')
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.drop_index('uq_events_key')
        batch_op.drop_index('ix_events_notification_id')
        batch_op.drop_index('ix_events_message_id')
        batch_op.drop_index('ix_events_contact_id_sequence')

    op.drop_table('events')
    op.drop_table('contacts')
    op.drop_table('api_keys')
