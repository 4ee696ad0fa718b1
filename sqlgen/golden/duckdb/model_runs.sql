SELECT node, status, rows, seconds FROM tidemill.models WHERE run = $1
