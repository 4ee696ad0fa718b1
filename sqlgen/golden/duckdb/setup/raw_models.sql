-- What the golden statements of models speak of.
CREATE TEMPORARY TABLE incoming (id BIGINT, amount INTEGER);
CREATE TABLE raw.orders_now (id BIGINT, amount INTEGER, status VARCHAR);
CREATE VIEW raw.orders_seen AS SELECT 1 AS id;
CREATE SCHEMA IF NOT EXISTS tidemill;
CREATE TABLE IF NOT EXISTS tidemill.models (
  run VARCHAR, node VARCHAR, status VARCHAR, rows BIGINT, seconds DOUBLE, sql_hash VARCHAR, finished_at TIMESTAMPTZ
);
