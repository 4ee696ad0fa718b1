CREATE TABLE tidemill.batches (
  pipeline VARCHAR NOT NULL,
  batch VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  landed BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  dead BIGINT NOT NULL,
  committed_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE tidemill.marks (
  pipeline VARCHAR NOT NULL,
  scope VARCHAR NOT NULL,
  position BLOB NOT NULL,
  batch VARCHAR NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE tidemill.dead_letters (
  delivery UUID NOT NULL,
  pipeline VARCHAR NOT NULL,
  source VARCHAR NOT NULL,
  type VARCHAR NOT NULL,
  message_id VARCHAR NOT NULL,
  value BLOB,
  code VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  meta JSON,
  protected BOOLEAN NOT NULL,
  key UUID,
  payload_hash UUID,
  source_time TIMESTAMPTZ,
  dead_at TIMESTAMPTZ NOT NULL,
  batch VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  settled_at TIMESTAMPTZ
);
CREATE TABLE tidemill.duplicates (
  pipeline VARCHAR NOT NULL,
  batch VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  count BIGINT NOT NULL,
  removed_at TIMESTAMPTZ NOT NULL
)
