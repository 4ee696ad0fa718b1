CREATE SCHEMA IF NOT EXISTS tidemill;
CREATE TABLE IF NOT EXISTS tidemill.migrations (version BIGINT NOT NULL, applied_at TIMESTAMPTZ NOT NULL);
SELECT coalesce(max(version), 0) AS version FROM tidemill.migrations
