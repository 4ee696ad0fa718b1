"""Copies a table of PostgreSQL into a DuckDB file by DuckDB's own extension.

Usage: duckdb_copy.py URL TABLE FOLDER. Prints rows and seconds as JSON; the
seconds end when the file is closed, and the start of Python is not in them.
"""

import json
import pathlib
import sys
import time

import duckdb

url, table, folder = sys.argv[1:]
home = pathlib.Path(sys.prefix, "home", ".duckdb", "extensions")
(extension,) = home.glob("*/*/postgres_scanner.duckdb_extension")
path = str(pathlib.Path(folder, "wide.duckdb"))

begun = time.monotonic()
db = duckdb.connect(path, config={"allow_unsigned_extensions": "true"})
db.execute(f"LOAD '{extension}'")
db.execute(f"ATTACH '{url}' AS pg (TYPE postgres, READ_ONLY)")
db.execute(f"CREATE TABLE wide AS FROM pg.public.{table}")
db.close()
took = time.monotonic() - begun

rows = duckdb.connect(path).execute("SELECT count(*) FROM wide").fetchone()[0]
print(json.dumps({"rows": rows, "seconds": took}))
