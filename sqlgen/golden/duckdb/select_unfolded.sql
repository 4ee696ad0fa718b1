SELECT DISTINCT fold FROM tidemill.unfolded WHERE pipeline = $1 ORDER BY fold
