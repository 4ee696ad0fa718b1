-- What Arrow views and temporary tables are while a batch is committed.
CREATE SCHEMA IF NOT EXISTS tidemill;
ATTACH ':memory:' AS tidemill_arrow;
CREATE TABLE tidemill_arrow.found (idx BIGINT, id UUID);
CREATE TABLE tidemill_arrow.marks (scope VARCHAR, before BLOB, after BLOB);
CREATE TABLE tidemill_arrow.old (pipeline VARCHAR, batch VARCHAR);
CREATE TABLE tidemill_arrow.rows AS SELECT *, true AS _keep, 0 AS _order FROM raw.events;
CREATE TABLE tidemill_arrow.letters (
  delivery UUID, source VARCHAR, type VARCHAR, message_id VARCHAR, value BLOB, code VARCHAR, reason VARCHAR, meta JSON,
  protected BOOLEAN, key UUID, payload_hash UUID, source_time TIMESTAMPTZ
);
CREATE TEMPORARY TABLE stage AS FROM raw.events;
