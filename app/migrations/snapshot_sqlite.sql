CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
--
CREATE TABLE alerts (
	id VARCHAR(36) NOT NULL,
	kind VARCHAR(32) NOT NULL,
	subject TEXT NOT NULL,
	phone_number_id TEXT,
	details JSON NOT NULL,
	count INTEGER NOT NULL,
	first_raised_at BIGINT NOT NULL,
	last_raised_at BIGINT NOT NULL,
	notified_at BIGINT,
	closed_at BIGINT,
	CONSTRAINT pk_alerts PRIMARY KEY (id)
)
--
CREATE TABLE api_keys (
	id VARCHAR(36) NOT NULL,
	name TEXT NOT NULL,
	hash TEXT NOT NULL,
	scopes JSON NOT NULL,
	numbers JSON,
	created_at BIGINT NOT NULL,
	revoked_at BIGINT,
	CONSTRAINT pk_api_keys PRIMARY KEY (id),
	CONSTRAINT uq_api_keys_hash UNIQUE (hash),
	CONSTRAINT uq_api_keys_name UNIQUE (name)
)
--
CREATE TABLE api_usage (
	app TEXT NOT NULL,
	waba_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	call_count INTEGER NOT NULL,
	total_cputime INTEGER NOT NULL,
	total_time INTEGER NOT NULL,
	minutes_to_wait INTEGER NOT NULL,
	seen_at BIGINT NOT NULL,
	CONSTRAINT pk_api_usage PRIMARY KEY (app, waba_id, kind)
)
--
CREATE TABLE audit_entries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	act VARCHAR(64) NOT NULL,
	subject TEXT NOT NULL,
	details TEXT NOT NULL,
	salt VARCHAR(64),
	commitment VARCHAR(64) NOT NULL,
	place INTEGER,
	hash VARCHAR(64)
)
--
CREATE TABLE audit_head (
	id INTEGER NOT NULL,
	place INTEGER NOT NULL,
	hash VARCHAR(64) NOT NULL,
	base_place INTEGER NOT NULL,
	base_hash VARCHAR(64) NOT NULL,
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
)
--
CREATE TABLE batches (
	id VARCHAR(36) NOT NULL,
	name TEXT,
	phone_number_id TEXT NOT NULL,
	state VARCHAR(16) NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	CONSTRAINT pk_batches PRIMARY KEY (id)
)
--
CREATE TABLE "contact_aliases" (
	kind VARCHAR(16) NOT NULL,
	value TEXT NOT NULL,
	contact_id VARCHAR(36) NOT NULL,
	since BIGINT,
	until BIGINT,
	app TEXT DEFAULT ('') NOT NULL,
	CONSTRAINT pk_contact_aliases PRIMARY KEY (kind, value, app),
	CONSTRAINT fk_contact_aliases_contact_id_contacts FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE
)
--
CREATE TABLE contact_numbers (
	contact_id VARCHAR(36) NOT NULL,
	phone_number_id TEXT NOT NULL,
	last_inbound_at BIGINT,
	opted_out BOOLEAN,
	wished_at BIGINT,
	wish VARCHAR(16), agent_at BIGINT, returned_at BIGINT,
	CONSTRAINT pk_contact_numbers PRIMARY KEY (contact_id, phone_number_id),
	CONSTRAINT fk_contact_numbers_contact_id_contacts FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE
)
--
CREATE TABLE contact_words (
	word TEXT NOT NULL,
	contact_id VARCHAR(36) NOT NULL,
	CONSTRAINT pk_contact_words PRIMARY KEY (word, contact_id)
)
--
CREATE TABLE contacts (
	id VARCHAR(36) NOT NULL,
	wa_id TEXT,
	user_id TEXT,
	parent_user_id TEXT,
	username TEXT,
	name TEXT,
	event_count INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL, given_name TEXT, notes TEXT,
	CONSTRAINT pk_contacts PRIMARY KEY (id)
)
--
CREATE TABLE conversation_labels (
	conversation_id VARCHAR(36) NOT NULL,
	label_id VARCHAR(36) NOT NULL,
	CONSTRAINT pk_conversation_labels PRIMARY KEY (conversation_id, label_id),
	CONSTRAINT fk_conversation_labels_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
	CONSTRAINT fk_conversation_labels_label_id_labels FOREIGN KEY(label_id) REFERENCES labels (id) ON DELETE CASCADE
)
--
CREATE TABLE conversation_notes (
	id VARCHAR(36) NOT NULL,
	conversation_id VARCHAR(36) NOT NULL,
	author TEXT NOT NULL,
	text TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	CONSTRAINT pk_conversation_notes PRIMARY KEY (id),
	CONSTRAINT fk_conversation_notes_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
)
--
CREATE TABLE conversations (
	id VARCHAR(36) NOT NULL,
	contact_id VARCHAR(36),
	phone_number_id TEXT NOT NULL,
	merged_into VARCHAR(36),
	last_message_id VARCHAR(36),
	last_message_at BIGINT NOT NULL,
	unread INTEGER DEFAULT '0' NOT NULL,
	closed_at BIGINT,
	assignee VARCHAR(36),
	waiting_since BIGINT,
	failures_cleared_at BIGINT,
	touched_at BIGINT,
	created_at BIGINT NOT NULL,
	CONSTRAINT pk_conversations PRIMARY KEY (id),
	CONSTRAINT uq_conversations_contact_id_phone_number_id UNIQUE (contact_id, phone_number_id),
	CONSTRAINT fk_conversations_contact_id_contacts FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
	CONSTRAINT fk_conversations_merged_into_conversations FOREIGN KEY(merged_into) REFERENCES conversations (id) ON DELETE CASCADE
)
--
CREATE TABLE counted_up_to (
	source VARCHAR(32) NOT NULL,
	place INTEGER NOT NULL,
	CONSTRAINT pk_counted_up_to PRIMARY KEY (source)
)
--
CREATE TABLE database_use (
	id INTEGER NOT NULL,
	epoch VARCHAR(36) NOT NULL,
	beats BIGINT NOT NULL,
	beat_at BIGINT NOT NULL,
	is_stopped BOOLEAN NOT NULL,
	CONSTRAINT pk_database_use PRIMARY KEY (id)
)
--
CREATE TABLE deliveries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	endpoint_id VARCHAR(36) NOT NULL,
	event_id VARCHAR(36) NOT NULL,
	contact_id VARCHAR(36),
	state VARCHAR(16) NOT NULL,
	is_replay BOOLEAN NOT NULL,
	due_at BIGINT,
	claim_id VARCHAR(36),
	attempts INTEGER NOT NULL,
	reason TEXT,
	created_at BIGINT NOT NULL,
	finished_at BIGINT, carried_by INTEGER, claimed_at BIGINT, is_status BOOLEAN DEFAULT 0 NOT NULL, blocks BOOLEAN DEFAULT 1 NOT NULL, refused BOOLEAN DEFAULT 0 NOT NULL,
	CONSTRAINT fk_deliveries_endpoint_id_endpoints FOREIGN KEY(endpoint_id) REFERENCES endpoints (id)
)
--
CREATE TABLE delivery_attempts (
	id INTEGER NOT NULL,
	delivery_id INTEGER NOT NULL,
	number INTEGER NOT NULL,
	started_at BIGINT NOT NULL,
	duration_ms INTEGER NOT NULL,
	status INTEGER,
	error TEXT,
	answer TEXT, note TEXT,
	CONSTRAINT pk_delivery_attempts PRIMARY KEY (id),
	CONSTRAINT fk_delivery_attempts_delivery_id_deliveries FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
)
--
CREATE TABLE endpoints (
	id VARCHAR(36) NOT NULL,
	url TEXT NOT NULL,
	description TEXT,
	format VARCHAR(16) NOT NULL,
	secret TEXT NOT NULL,
	old_secret TEXT,
	old_secret_until BIGINT,
	ordered BOOLEAN NOT NULL,
	replies BOOLEAN NOT NULL,
	paused BOOLEAN NOT NULL,
	types JSON,
	statuses JSON,
	numbers JSON,
	max_age_seconds INTEGER,
	max_per_second INTEGER,
	max_in_flight INTEGER,
	failures INTEGER NOT NULL,
	opens INTEGER NOT NULL,
	open_until BIGINT,
	failing_since BIGINT,
	disabled_at BIGINT,
	disabled_reason TEXT,
	removed_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL, message_types JSON, debounce_seconds INTEGER, batch INTEGER, split BOOLEAN DEFAULT 1 NOT NULL, silences INTEGER DEFAULT '0' NOT NULL,
	CONSTRAINT pk_endpoints PRIMARY KEY (id)
)
--
CREATE TABLE erased_names (
	hash VARCHAR(64) NOT NULL,
	erased_at BIGINT NOT NULL,
	CONSTRAINT pk_erased_names PRIMARY KEY (hash)
)
--
CREATE TABLE erasure_key (
	id INTEGER NOT NULL,
	wrapped TEXT NOT NULL,
	CONSTRAINT pk_erasure_key PRIMARY KEY (id)
)
--
CREATE TABLE events (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	id VARCHAR(36) NOT NULL,
	type TEXT NOT NULL,
	"key" TEXT,
	source VARCHAR(16) NOT NULL,
	phone_number_id TEXT,
	contact_id VARCHAR(36),
	contact_sequence INTEGER,
	message_id VARCHAR(36),
	notification_id VARCHAR(36),
	position INTEGER,
	timestamp BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	data TEXT NOT NULL, waba_id TEXT,
	CONSTRAINT uq_events_id UNIQUE (id)
)
--
CREATE TABLE idempotency_keys (
	caller TEXT NOT NULL,
	"key" TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	message_id VARCHAR(36) NOT NULL,
	forget_at BIGINT NOT NULL,
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (caller, "key"),
	CONSTRAINT fk_idempotency_keys_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
)
--
CREATE TABLE idempotent_requests (
	caller TEXT NOT NULL,
	"key" TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	state VARCHAR(16) NOT NULL,
	status INTEGER,
	answer TEXT,
	batch_id VARCHAR(36),
	started_at BIGINT NOT NULL,
	forget_at BIGINT NOT NULL,
	CONSTRAINT pk_idempotent_requests PRIMARY KEY (caller, "key")
)
--
CREATE TABLE jobs (
	id INTEGER NOT NULL,
	kind VARCHAR(16) NOT NULL,
	subject_id VARCHAR(36) NOT NULL,
	due_at BIGINT NOT NULL,
	claim_id VARCHAR(36),
	attempts INTEGER NOT NULL,
	request_id VARCHAR(64),
	reason TEXT,
	created_at BIGINT NOT NULL, order_keys TEXT,
	CONSTRAINT pk_jobs PRIMARY KEY (id)
)
--
CREATE TABLE key_uses (
	key_name TEXT NOT NULL,
	face VARCHAR(8) NOT NULL,
	last_at BIGINT NOT NULL,
	CONSTRAINT pk_key_uses PRIMARY KEY (key_name, face)
)
--
CREATE TABLE labels (
	id VARCHAR(36) NOT NULL,
	name TEXT NOT NULL,
	colour VARCHAR(7) NOT NULL,
	created_at BIGINT NOT NULL,
	CONSTRAINT pk_labels PRIMARY KEY (id),
	CONSTRAINT uq_labels_name UNIQUE (name)
)
--
CREATE TABLE latencies (
	seconds INTEGER NOT NULL,
	starts_at BIGINT NOT NULL,
	phone_number_id TEXT NOT NULL,
	what VARCHAR(16) NOT NULL,
	bucket INTEGER NOT NULL,
	times INTEGER NOT NULL,
	CONSTRAINT pk_latencies PRIMARY KEY (seconds, starts_at, phone_number_id, what, bucket)
)
--
CREATE TABLE media (
	id VARCHAR(36) NOT NULL,
	direction VARCHAR(8) NOT NULL,
	phone_number_id TEXT NOT NULL,
	message_id VARCHAR(36),
	meta_media_id TEXT,
	url TEXT,
	declared_type TEXT,
	declared_sha256 VARCHAR(64),
	filename TEXT,
	state VARCHAR(16) NOT NULL,
	reason TEXT,
	sha256 VARCHAR(64),
	mime_type TEXT,
	size BIGINT,
	created_at BIGINT NOT NULL,
	stored_at BIGINT,
	expires_at BIGINT, needed_until BIGINT,
	CONSTRAINT pk_media PRIMARY KEY (id)
)
--
CREATE TABLE media_files (
	sha256 VARCHAR(64) NOT NULL,
	"key" VARCHAR(36) NOT NULL,
	size BIGINT NOT NULL,
	mime_type TEXT NOT NULL,
	codecs TEXT,
	is_animated BOOLEAN NOT NULL,
	users INTEGER NOT NULL,
	thumbnail VARCHAR(16),
	thumbnail_key VARCHAR(36),
	created_at BIGINT NOT NULL,
	CONSTRAINT pk_media_files PRIMARY KEY (sha256)
)
--
CREATE TABLE merged_messages (
	id VARCHAR(36) NOT NULL,
	message_id VARCHAR(36) NOT NULL,
	CONSTRAINT pk_merged_messages PRIMARY KEY (id),
	CONSTRAINT fk_merged_messages_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
)
--
CREATE TABLE message_documents (
	docid INTEGER NOT NULL,
	message_id VARCHAR(36) NOT NULL,
	words TEXT NOT NULL,
	CONSTRAINT pk_message_documents PRIMARY KEY (docid),
	CONSTRAINT fk_message_documents_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE,
	CONSTRAINT uq_message_documents_message_id UNIQUE (message_id)
)
--
CREATE TABLE message_revisions (
	id INTEGER NOT NULL,
	wamid TEXT NOT NULL,
	original_wamid TEXT NOT NULL,
	phone_number_id TEXT NOT NULL,
	message_id VARCHAR(36),
	contact_id VARCHAR(36),
	revoked BOOLEAN NOT NULL,
	timestamp BIGINT NOT NULL,
	said JSON,
	previous JSON,
	notification_id VARCHAR(36),
	received_at BIGINT NOT NULL,
	CONSTRAINT pk_message_revisions PRIMARY KEY (id),
	CONSTRAINT uq_message_revisions_wamid_phone_number_id UNIQUE (wamid, phone_number_id)
)
--
CREATE TABLE messages (
	id VARCHAR(36) NOT NULL,
	direction VARCHAR(8) NOT NULL,
	phone_number_id TEXT NOT NULL,
	wamid TEXT,
	contact_id VARCHAR(36),
	sender TEXT,
	recipient TEXT,
	message_type TEXT NOT NULL,
	message TEXT NOT NULL,
	content JSON NOT NULL,
	context JSON,
	referral JSON,
	group_id TEXT,
	timestamp BIGINT NOT NULL,
	status TEXT NOT NULL,
	error JSON,
	pricing JSON,
	callback_data TEXT,
	source VARCHAR(16) NOT NULL,
	flags JSON NOT NULL,
	notification_id VARCHAR(36),
	received_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL, mode VARCHAR(8), options JSON, batch_id VARCHAR(36), held_for VARCHAR(16), sent_by TEXT,
	CONSTRAINT pk_messages PRIMARY KEY (id),
	CONSTRAINT fk_messages_contact_id_contacts FOREIGN KEY(contact_id) REFERENCES contacts (id),
	CONSTRAINT uq_messages_wamid_phone_number_id UNIQUE (wamid, phone_number_id)
)
--
CREATE TABLE meta_uploads (
	sha256 VARCHAR(64) NOT NULL,
	phone_number_id TEXT NOT NULL,
	purpose VARCHAR(16) NOT NULL,
	meta_media_id TEXT,
	expires_at BIGINT,
	tries INTEGER NOT NULL,
	due_at BIGINT,
	error JSON,
	failed_at BIGINT,
	CONSTRAINT pk_meta_uploads PRIMARY KEY (sha256, phone_number_id, purpose)
)
--
CREATE TABLE notifications (
	id VARCHAR(36) NOT NULL,
	received_at BIGINT NOT NULL,
	raw BLOB NOT NULL,
	verified_by TEXT NOT NULL,
	state VARCHAR(16) NOT NULL,
	request_id VARCHAR(64) NOT NULL,
	processed_at BIGINT,
	reason TEXT,
	items INTEGER,
	books JSON, is_pruned BOOLEAN DEFAULT 0 NOT NULL,
	CONSTRAINT pk_notifications PRIMARY KEY (id)
)
--
CREATE TABLE number_paces (
	phone_number_id TEXT NOT NULL,
	next_turn_at BIGINT NOT NULL,
	inbound_counted_at BIGINT NOT NULL,
	share DOUBLE NOT NULL,
	share_changed_at BIGINT,
	doubts INTEGER NOT NULL,
	probe_at BIGINT,
	paused_for VARCHAR(16),
	paused_until BIGINT,
	token_hash VARCHAR(64),
	bulk_stopped_by INTEGER, proven_token VARCHAR(64), in_doubt_since BIGINT,
	CONSTRAINT pk_number_paces PRIMARY KEY (phone_number_id)
)
--
CREATE TABLE numbers (
	phone_number_id TEXT NOT NULL,
	display_phone_number TEXT,
	waba_id TEXT,
	app TEXT NOT NULL,
	access_token TEXT,
	app_secrets TEXT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL, rate DOUBLE,
	CONSTRAINT pk_numbers PRIMARY KEY (phone_number_id)
)
--
CREATE TABLE pair_paces (
	phone_number_id TEXT NOT NULL,
	recipient TEXT NOT NULL,
	paid_until BIGINT NOT NULL,
	address TEXT,
	CONSTRAINT pk_pair_paces PRIMARY KEY (phone_number_id, recipient)
)
--
CREATE TABLE parked_items (
	id INTEGER NOT NULL,
	notification_id VARCHAR(36) NOT NULL,
	position INTEGER NOT NULL,
	state VARCHAR(16) NOT NULL,
	field TEXT NOT NULL,
	phone_number_id TEXT,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	CONSTRAINT pk_parked_items PRIMARY KEY (id)
)
--
CREATE TABLE people (
	id VARCHAR(36) NOT NULL,
	name TEXT NOT NULL,
	name_key TEXT NOT NULL,
	role VARCHAR(16) NOT NULL,
	numbers JSON,
	language VARCHAR(16),
	theme VARCHAR(16),
	created_at BIGINT NOT NULL,
	disabled_at BIGINT,
	CONSTRAINT pk_people PRIMARY KEY (id),
	CONSTRAINT uq_people_name_key UNIQUE (name_key)
)
--
CREATE TABLE person_sessions (
	id VARCHAR(36) NOT NULL,
	person_id VARCHAR(36) NOT NULL,
	hash TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	CONSTRAINT pk_person_sessions PRIMARY KEY (id),
	CONSTRAINT uq_person_sessions_hash UNIQUE (hash),
	CONSTRAINT fk_person_sessions_person_id_people FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
)
--
CREATE TABLE presences (
	conversation_id VARCHAR(36) NOT NULL,
	person_id TEXT NOT NULL,
	name TEXT NOT NULL,
	seen_at BIGINT NOT NULL,
	typing_until BIGINT,
	CONSTRAINT pk_presences PRIMARY KEY (conversation_id, person_id),
	CONSTRAINT fk_presences_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
)
--
CREATE TABLE priced_messages (
	phone_number_id TEXT NOT NULL,
	day VARCHAR(10) NOT NULL,
	category TEXT NOT NULL,
	type TEXT NOT NULL,
	billable INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	CONSTRAINT pk_priced_messages PRIMARY KEY (phone_number_id, day, category, type, billable)
)
--
CREATE TABLE push_notices (
	id VARCHAR(36) NOT NULL,
	subscription_id VARCHAR(36) NOT NULL,
	conversation_id VARCHAR(36) NOT NULL,
	waiting_since BIGINT,
	told_at BIGINT NOT NULL,
	CONSTRAINT pk_push_notices PRIMARY KEY (id),
	CONSTRAINT uq_push_notices_subscription_id_conversation_id UNIQUE (subscription_id, conversation_id),
	CONSTRAINT fk_push_notices_subscription_id_push_subscriptions FOREIGN KEY(subscription_id) REFERENCES push_subscriptions (id) ON DELETE CASCADE,
	CONSTRAINT fk_push_notices_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
)
--
CREATE TABLE push_subscriptions (
	id VARCHAR(36) NOT NULL,
	person_id VARCHAR(36) NOT NULL,
	endpoint TEXT NOT NULL,
	keys TEXT NOT NULL,
	session_hash TEXT NOT NULL,
	language VARCHAR(16) NOT NULL,
	created_at BIGINT NOT NULL,
	last_error TEXT,
	CONSTRAINT pk_push_subscriptions PRIMARY KEY (id),
	CONSTRAINT uq_push_subscriptions_endpoint UNIQUE (endpoint),
	CONSTRAINT fk_push_subscriptions_person_id_people FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
)
--
CREATE TABLE queued_sends (
	message_id VARCHAR(36) NOT NULL,
	phone_number_id TEXT NOT NULL,
	recipient TEXT NOT NULL,
	lane INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	refusals INTEGER NOT NULL,
	wanted_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	batch_id VARCHAR(36), request_id VARCHAR(64), media JSON,
	CONSTRAINT pk_queued_sends PRIMARY KEY (message_id),
	CONSTRAINT fk_queued_sends_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
)
--
CREATE TABLE quick_replies (
	id VARCHAR(36) NOT NULL,
	shortcut VARCHAR(40) NOT NULL,
	phone_number_id TEXT DEFAULT '' NOT NULL,
	text TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	CONSTRAINT pk_quick_replies PRIMARY KEY (id),
	CONSTRAINT uq_quick_replies_shortcut_phone_number_id UNIQUE (shortcut, phone_number_id)
)
--
CREATE TABLE registry_version (
	id INTEGER NOT NULL,
	version INTEGER NOT NULL,
	CONSTRAINT pk_registry_version PRIMARY KEY (id)
)
--
CREATE TABLE schema_info (
	id INTEGER NOT NULL,
	serves_since VARCHAR(32) NOT NULL,
	CONSTRAINT pk_schema_info PRIMARY KEY (id)
)
--
CREATE VIRTUAL TABLE search_index USING fts5(
    words, content='message_documents', content_rowid='docid', tokenize='ascii', detail='none', columnsize=0
)
--
CREATE TABLE send_attempts (
	id INTEGER NOT NULL,
	message_id VARCHAR(36) NOT NULL,
	number INTEGER NOT NULL,
	state VARCHAR(16) NOT NULL,
	wamid TEXT,
	error JSON,
	started_at BIGINT NOT NULL,
	finished_at BIGINT,
	CONSTRAINT pk_send_attempts PRIMARY KEY (id),
	CONSTRAINT fk_send_attempts_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE,
	CONSTRAINT uq_send_attempts_message_id_number UNIQUE (message_id, number)
)
--
CREATE TABLE sign_in_links (
	id VARCHAR(36) NOT NULL,
	person_id VARCHAR(36) NOT NULL,
	hash TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT,
	CONSTRAINT pk_sign_in_links PRIMARY KEY (id),
	CONSTRAINT uq_sign_in_links_hash UNIQUE (hash),
	CONSTRAINT fk_sign_in_links_person_id_people FOREIGN KEY(person_id) REFERENCES people (id) ON DELETE CASCADE
)
--
CREATE TABLE status_reports (
	id INTEGER NOT NULL,
	wamid TEXT NOT NULL,
	status TEXT NOT NULL,
	participant TEXT NOT NULL,
	phone_number_id TEXT NOT NULL,
	message_id VARCHAR(36),
	timestamp BIGINT NOT NULL,
	error JSON,
	pricing JSON,
	callback_data TEXT,
	notification_id VARCHAR(36),
	received_at BIGINT NOT NULL,
	CONSTRAINT pk_status_reports PRIMARY KEY (id),
	CONSTRAINT fk_status_reports_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE,
	CONSTRAINT uq_status_reports_wamid_status_participant_phone_number_id UNIQUE (wamid, status, participant, phone_number_id)
)
--
CREATE TABLE traffic (
	seconds INTEGER NOT NULL,
	starts_at BIGINT NOT NULL,
	phone_number_id TEXT NOT NULL,
	what TEXT NOT NULL,
	times INTEGER NOT NULL,
	took DOUBLE NOT NULL,
	longest DOUBLE NOT NULL,
	CONSTRAINT pk_traffic PRIMARY KEY (seconds, starts_at, phone_number_id, what)
)
--
CREATE TABLE unsearched_contacts (
	contact_id VARCHAR(36) NOT NULL,
	CONSTRAINT pk_unsearched_contacts PRIMARY KEY (contact_id)
)
--
CREATE TABLE unsearched_messages (
	message_id VARCHAR(36) NOT NULL,
	CONSTRAINT pk_unsearched_messages PRIMARY KEY (message_id)
)
--
CREATE TABLE upkeep (
	name VARCHAR(32) NOT NULL,
	at BIGINT,
	place TEXT,
	skipped TEXT,
	CONSTRAINT pk_upkeep PRIMARY KEY (name)
)
--
CREATE TABLE web_processes (
	id VARCHAR(36) NOT NULL,
	joined_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	host TEXT NOT NULL,
	settings TEXT NOT NULL,
	CONSTRAINT pk_web_processes PRIMARY KEY (id)
)
--
CREATE TABLE workers (
	id VARCHAR(36) NOT NULL,
	seen_at BIGINT NOT NULL, host TEXT, clock_ahead_seconds DOUBLE, joined_at BIGINT, settings TEXT, messages_per_second DOUBLE, resends_unknown BOOLEAN, unknown_send_seconds INTEGER, failing JSON,
	CONSTRAINT pk_workers PRIMARY KEY (id)
)
--
CREATE INDEX ix_audit_entries_actor_id ON audit_entries (actor, id)
--
CREATE INDEX ix_audit_entries_subject_id ON audit_entries (subject, id)
--
CREATE INDEX ix_audit_entries_unsealed ON audit_entries (id) WHERE hash IS NULL
--
CREATE INDEX ix_contact_aliases_contact_id ON contact_aliases (contact_id)
--
CREATE INDEX ix_contact_numbers_phone_number_id_contact_id ON contact_numbers (phone_number_id, contact_id)
--
CREATE INDEX ix_contact_words_contact_id ON contact_words (contact_id)
--
CREATE INDEX ix_conversation_labels_label_id ON conversation_labels (label_id)
--
CREATE INDEX ix_conversation_notes_conversation_id_created_at ON conversation_notes (conversation_id, created_at)
--
CREATE INDEX ix_conversations_last_message_at_id ON conversations (last_message_at, id)
--
CREATE INDEX ix_conversations_merged_into ON conversations (merged_into)
--
CREATE INDEX ix_conversations_touched_at ON conversations (touched_at)
--
CREATE INDEX ix_conversations_unread ON conversations (phone_number_id, last_message_at) WHERE unread > 0
--
CREATE INDEX ix_conversations_waiting ON conversations (phone_number_id) WHERE waiting_since IS NOT NULL
--
CREATE INDEX ix_deliveries_due ON deliveries (endpoint_id, is_replay, due_at, id) WHERE state = 'pending'
--
CREATE INDEX ix_deliveries_event_id ON deliveries (event_id)
--
CREATE INDEX ix_deliveries_undelivered ON deliveries (endpoint_id, state, id) WHERE state IN ('dead', 'stale')
--
CREATE INDEX ix_deliveries_unfinished_carried_by ON deliveries (carried_by) WHERE finished_at IS NULL AND carried_by IS NOT NULL
--
CREATE INDEX ix_deliveries_unfinished_contact_id ON deliveries (contact_id, id) WHERE finished_at IS NULL AND contact_id IS NOT NULL
--
CREATE INDEX ix_delivery_attempts_delivery_id ON delivery_attempts (delivery_id)
--
CREATE INDEX ix_events_contact_id_sequence ON events (contact_id, sequence)
--
CREATE INDEX ix_events_message_id ON events (message_id)
--
CREATE INDEX ix_events_notification_id ON events (notification_id)
--
CREATE INDEX ix_events_phone_number_id_sequence ON events (phone_number_id, sequence)
--
CREATE INDEX ix_events_type_sequence ON events (type, sequence) WHERE type <> 'message.status'
--
CREATE INDEX ix_events_waba_id_sequence ON events (waba_id, sequence) WHERE waba_id IS NOT NULL
--
CREATE INDEX ix_idempotency_keys_forget_at ON idempotency_keys (forget_at)
--
CREATE INDEX ix_idempotency_keys_message_id ON idempotency_keys (message_id)
--
CREATE INDEX ix_idempotent_requests_forget_at ON idempotent_requests (forget_at)
--
CREATE INDEX ix_jobs_kind_due_at ON jobs (kind, due_at)
--
CREATE INDEX ix_media_files_key ON media_files ("key")
--
CREATE INDEX ix_media_files_thumbnail_created_at ON media_files (thumbnail, created_at)
--
CREATE INDEX ix_media_files_thumbnail_key ON media_files (thumbnail_key) WHERE thumbnail_key IS NOT NULL
--
CREATE INDEX ix_media_message_id ON media (message_id)
--
CREATE INDEX ix_media_meta_media_id ON media (meta_media_id)
--
CREATE INDEX ix_media_sha256 ON media (sha256)
--
CREATE INDEX ix_media_state_created_at ON media (state, created_at)
--
CREATE INDEX ix_merged_messages_message_id ON merged_messages (message_id)
--
CREATE INDEX ix_message_revisions_contact_id ON message_revisions (contact_id)
--
CREATE INDEX ix_message_revisions_message_id ON message_revisions (message_id)
--
CREATE INDEX ix_message_revisions_original_wamid ON message_revisions (original_wamid)
--
CREATE INDEX ix_messages_batch_id_status ON messages (batch_id, status) WHERE batch_id IS NOT NULL
--
CREATE INDEX ix_messages_batch_id_timestamp_id ON messages (batch_id, timestamp, id) WHERE batch_id IS NOT NULL
--
CREATE INDEX ix_messages_contact_id_timestamp_id ON messages (contact_id, timestamp, id)
--
CREATE INDEX ix_messages_direction_phone_number_id_timestamp_id ON messages (direction, phone_number_id, timestamp, id)
--
CREATE INDEX ix_messages_failed ON messages (contact_id, phone_number_id, timestamp) WHERE status IN ('failed', 'held', 'expired') AND batch_id IS NULL
--
CREATE INDEX ix_messages_last_outbound ON messages (contact_id, phone_number_id, timestamp) WHERE direction = 'outbound'
--
CREATE INDEX ix_messages_message_type_direction_timestamp_id ON messages (message_type, direction, timestamp, id)
--
CREATE INDEX ix_messages_reactions ON messages (contact_id, timestamp) WHERE message_type = 'reaction'
--
CREATE INDEX ix_messages_status_with_type_and_number ON messages (status, direction, timestamp, id, message_type, phone_number_id)
--
CREATE INDEX ix_messages_timestamp_id ON messages (timestamp, id)
--
CREATE INDEX ix_messages_unknown_number_received_at ON messages (received_at) WHERE flags LIKE '%unknown_number%'
--
CREATE INDEX ix_meta_uploads_meta_media_id ON meta_uploads (meta_media_id)
--
CREATE INDEX ix_notifications_state_id ON notifications (state, id) WHERE state IN ('parked', 'quarantined')
--
CREATE INDEX ix_pair_paces_paid_until ON pair_paces (paid_until)
--
CREATE INDEX ix_person_sessions_person_id ON person_sessions (person_id)
--
CREATE INDEX ix_presences_seen_at ON presences (seen_at)
--
CREATE INDEX ix_push_notices_conversation_id ON push_notices (conversation_id)
--
CREATE INDEX ix_push_subscriptions_person_id ON push_subscriptions (person_id)
--
CREATE INDEX ix_push_subscriptions_session_hash ON push_subscriptions (session_hash)
--
CREATE INDEX ix_queued_sends_batch_id ON queued_sends (batch_id)
--
CREATE INDEX ix_queued_sends_due_at ON queued_sends (due_at)
--
CREATE INDEX ix_queued_sends_expires_at ON queued_sends (expires_at)
--
CREATE INDEX ix_queued_sends_turn ON queued_sends (phone_number_id, lane, due_at, message_id)
--
CREATE INDEX ix_send_attempts_state_started_at ON send_attempts (state, started_at)
--
CREATE INDEX ix_send_attempts_wamid ON send_attempts (wamid)
--
CREATE INDEX ix_sign_in_links_person_id ON sign_in_links (person_id)
--
CREATE INDEX ix_status_reports_message_id ON status_reports (message_id)
--
CREATE UNIQUE INDEX uq_alerts_open_kind_subject ON alerts (kind, subject) WHERE closed_at IS NULL
--
CREATE UNIQUE INDEX uq_audit_entries_place ON audit_entries (place)
--
CREATE UNIQUE INDEX uq_events_key ON events ("key")
--
CREATE UNIQUE INDEX uq_parked_items_notification_id_position ON parked_items (notification_id, position)
--
CREATE TRIGGER contacts_delete AFTER DELETE ON contacts BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (old.id);
    DELETE FROM contact_words WHERE contact_id = old.id;
END
--
CREATE TRIGGER contacts_insert AFTER INSERT ON contacts BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (new.id);
END
--
CREATE TRIGGER contacts_update AFTER UPDATE OF name, given_name, username ON contacts
    WHEN old.name IS NOT new.name OR old.given_name IS NOT new.given_name OR old.username IS NOT new.username BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (new.id);
END
--
CREATE TRIGGER message_documents_delete AFTER DELETE ON message_documents BEGIN
    INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.docid, old.words);
END
--
CREATE TRIGGER message_documents_insert AFTER INSERT ON message_documents BEGIN
    INSERT INTO search_index (rowid, words) VALUES (new.docid, new.words);
END
--
CREATE TRIGGER messages_insert AFTER INSERT ON messages BEGIN
    INSERT INTO unsearched_messages (message_id) VALUES (new.id);
END
--
CREATE TRIGGER messages_update AFTER UPDATE OF message ON messages WHEN old.message <> new.message BEGIN
    DELETE FROM message_documents WHERE message_id = old.id;
    INSERT OR IGNORE INTO unsearched_messages (message_id) VALUES (new.id);
END
--
ANALYZE schema_info
--
DELETE FROM sqlite_stat1
--
INSERT INTO alembic_version VALUES ('0042')
--
INSERT INTO schema_info VALUES (1, '0001')
--
INSERT INTO sqlite_stat1 VALUES ('deliveries', 'ix_deliveries_due', '100000 50000 25000 2 1')
--
INSERT INTO sqlite_stat1 VALUES ('deliveries', 'ix_deliveries_event_id', '3000000 2')
--
INSERT INTO sqlite_stat1 VALUES ('deliveries', 'ix_deliveries_undelivered', '10000 100 20 1')
--
INSERT INTO sqlite_stat1 VALUES ('deliveries', 'ix_deliveries_unfinished_carried_by', '10000 10')
--
INSERT INTO sqlite_stat1 VALUES ('deliveries', 'ix_deliveries_unfinished_contact_id', '100000 5 1')
--
INSERT INTO sqlite_stat1 VALUES ('events', 'ix_events_contact_id_sequence', '3000000 60 1')
--
INSERT INTO sqlite_stat1 VALUES ('events', 'ix_events_message_id', '3000000 3')
--
INSERT INTO sqlite_stat1 VALUES ('events', 'ix_events_notification_id', '3000000 2')
--
INSERT INTO sqlite_stat1 VALUES ('events', 'ix_events_phone_number_id_sequence', '3000000 1000000 1')
--
INSERT INTO sqlite_stat1 VALUES ('events', 'ix_events_type_sequence', '1000000 200000 1')
--
INSERT INTO sqlite_stat1 VALUES ('messages', 'ix_messages_contact_id_timestamp_id', '1000000 20 1 1')
--
INSERT INTO sqlite_stat1 VALUES ('messages', 'ix_messages_direction_phone_number_id_timestamp_id', '1000000 500000 250000 2 1')
--
INSERT INTO sqlite_stat1 VALUES ('messages', 'ix_messages_message_type_direction_timestamp_id', '1000000 100000 50000 2 1')
--
INSERT INTO sqlite_stat1 VALUES ('messages', 'ix_messages_status_with_type_and_number', '1000000 150000 100000 2 1 1 1')
--
INSERT INTO sqlite_stat1 VALUES ('messages', 'ix_messages_timestamp_id', '1000000 2 1')
