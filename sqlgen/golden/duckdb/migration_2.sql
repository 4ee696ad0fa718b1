CREATE TABLE tidemill.unfolded (
  table_name VARCHAR NOT NULL,
  batch VARCHAR NOT NULL,
  pipeline VARCHAR NOT NULL,
  fold VARCHAR NOT NULL
)
