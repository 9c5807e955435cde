"""What importing costs beside the libraries it stands on, and what a new store costs."""

from __future__ import annotations

import statistics

from benchmarks._harness import Figure, child, spread

IMPORT = """
import json, sys, time
# a database driver would be loaded by peewee, and enlarge the baseline
for driver in ("psycopg", "psycopg2", "pymysql", "MySQLdb"):
    sys.modules[driver] = None
start = time.process_time()
{statement}
print(json.dumps({{"seconds": time.process_time() - start}}))
"""
STORE = """
import json, sys, time, tempfile, pathlib
import aiqc
from aiqc.orm import *
folder = tempfile.mkdtemp()
start = time.perf_counter()
aiqc.connect(pathlib.Path(folder) / "new.sqlite3")
assert Dataset.select().count() == 0
print(json.dumps({"seconds": time.perf_counter() - start}))
"""
REPEATS = 9


def measure() -> list[Figure]:
    """Compare CPU seconds of fresh processes in turn."""
    ours = IMPORT.format(statement="from aiqc.orm import *")
    floor = IMPORT.format(statement="import pandas, pyarrow, peewee")
    found, own = [], []
    # writes bytecode, as the first import of any installation does
    child(ours)
    for _ in range(REPEATS):
        a, b = child(ours)["seconds"], child(floor)["seconds"]
        found.append(a / b)
        own.append(a)
    stores = [child(STORE)["seconds"] * 1000 for _ in range(REPEATS)]
    return [
        spread("import aiqc.orm / (pandas, pyarrow, peewee), CPU", found, "x", at_most=1.3),
        Figure("import aiqc.orm, CPU", statistics.median(own) * 1000, "ms"),
        spread("first use of a new store", stores, "ms", at_most=20),
    ]
