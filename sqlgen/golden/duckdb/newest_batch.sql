SELECT max(committed_at) AS newest FROM tidemill.batches
