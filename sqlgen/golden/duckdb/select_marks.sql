SELECT scope, position FROM tidemill.marks WHERE pipeline = $1 ORDER BY scope
