"""Copies a table of PostgreSQL into a DuckDB file by dlt, as its manual shows.

Usage: dlt_copy.py URL TABLE FOLDER. Prints rows and seconds as JSON; the start
of Python and the import of dlt are not in the seconds.
"""

import json
import os
import sys
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt  # noqa: E402 (reads the environment)
import duckdb  # noqa: E402
from dlt.sources.sql_database import sql_database  # noqa: E402

url, table, folder = sys.argv[1:]
path = os.path.join(folder, "wide.duckdb")

begun = time.monotonic()
pipeline = dlt.pipeline(
    "wide",
    destination=dlt.destinations.duckdb(path),
    dataset_name="raw",
    pipelines_dir=os.path.join(folder, "state"),
)
pipeline.run(sql_database(url.replace("postgres://", "postgresql+psycopg2://"), schema="public", table_names=[table]))
took = time.monotonic() - begun

rows = duckdb.connect(path).execute(f"SELECT count(*) FROM raw.{table}").fetchone()[0]
print(json.dumps({"rows": rows, "seconds": took}))
