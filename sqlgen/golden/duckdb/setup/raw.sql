-- Tables that the golden statements speak of.
CREATE SCHEMA raw;
CREATE TABLE raw.events (
  _key UUID NOT NULL, _delivery UUID NOT NULL, _payload_hash UUID NOT NULL,
  _pipeline VARCHAR NOT NULL, _batch VARCHAR NOT NULL, _source_time TIMESTAMPTZ, _landed_at TIMESTAMPTZ NOT NULL,
  id BIGINT, amount INTEGER, version BIGINT
);
