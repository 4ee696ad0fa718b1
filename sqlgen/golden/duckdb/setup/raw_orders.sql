-- A mirror, or a history, with its change log, and what a fold stages.
CREATE TABLE raw.orders (
  _version BLOB, _source_time TIMESTAMPTZ, _landed_at TIMESTAMPTZ, _valid_from TIMESTAMPTZ, _valid_to TIMESTAMPTZ,
  id BIGINT, line INTEGER, note VARCHAR, total DECIMAL(18, 2)
);
CREATE TABLE raw.orders__changes (
  _pipeline VARCHAR, _batch VARCHAR, _source_time TIMESTAMPTZ, _landed_at TIMESTAMPTZ, _op VARCHAR, _version BLOB, _unchanged VARCHAR[],
  id BIGINT, line INTEGER, note VARCHAR, total DECIMAL(18, 2)
);
CREATE TEMPORARY TABLE batches (batch VARCHAR);
CREATE TEMPORARY TABLE touched (id BIGINT, line INTEGER, _from BLOB);
CREATE TEMPORARY TABLE latest AS SELECT 'insert' AS _op, * FROM raw.orders;
CREATE TEMPORARY TABLE versions AS SELECT 'insert' AS _op, false AS _base, * FROM raw.orders;
