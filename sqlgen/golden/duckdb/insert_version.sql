INSERT INTO tidemill.migrations (version, applied_at) VALUES ($1, now())
