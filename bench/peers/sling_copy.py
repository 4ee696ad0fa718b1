"""Copies a table of PostgreSQL into a DuckDB file by sling.

Usage: sling_copy.py URL TABLE FOLDER. Prints rows and seconds as JSON.

sling drives the command line of DuckDB, which asks for extensions and takes
those below the home folder in the place of downloading them.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import duckdb

url, table, folder = sys.argv[1:]
(sling,) = pathlib.Path(sys.prefix).glob("lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64")
path = os.path.join(folder, "wide.duckdb")
os.symlink(os.path.join(sys.prefix, "home", ".duckdb"), os.path.join(folder, ".duckdb"))
env = {
    "HOME": folder,
    "PATH": "/usr/bin:/bin",
    "DUCKDB_PATH": os.path.join(sys.prefix, "bin", "duckdb"),
    "SLING_HOME_DIR": os.path.join(folder, "sling"),
    "SLING_DISABLE_TELEMETRY": "true",
    "SOURCE": url + "?sslmode=disable",
    "TARGET": "duckdb://" + path,
}
command = [sling, "run", "--src-conn", "SOURCE", "--src-stream", f"public.{table}"]
command += ["--tgt-conn", "TARGET", "--tgt-object", "main.wide", "--mode", "full-refresh"]

begun = time.monotonic()
subprocess.run(command, env=env, stdout=sys.stderr, check=True)
took = time.monotonic() - begun

rows = duckdb.connect(path).execute("SELECT count(*) FROM wide").fetchone()[0]
print(json.dumps({"rows": rows, "seconds": took}))
