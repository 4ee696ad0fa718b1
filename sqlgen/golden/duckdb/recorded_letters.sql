SELECT CAST(delivery AS VARCHAR) AS delivery
FROM tidemill.dead_letters
WHERE pipeline = $1 AND tidemill.dead_letters.delivery IN (SELECT CAST(unnest(string_split(CAST($2 AS VARCHAR), ',')) AS UUID))
