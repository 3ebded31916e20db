#!/usr/bin/env python3
"""DuckDB beside `figures query`: 10 M synthetic persons, population by province, sex and 5-year age, warm, in ms.

Needs `pip install duckdb`. All in memory, two threads: no disk is in the way of either."""
import statistics
import time

import duckdb

PERSONS, COMMUNES, PROVINCES, TURNS = 10_000_000, 3_321, 34, 15
QUESTION = """select province, sex, least(date_diff('day', birth_date, date '2025-12-31') * 4 // 1461 // 5, 16) g, count(*)
from persons group by all order by all"""

base = duckdb.connect()
base.execute("set threads = 2")
base.execute(f"""create table persons as select i as id, (i * 7919 % {COMMUNES})::integer as commune,
(i * 7919 % {COMMUNES} * {PROVINCES} // {COMMUNES})::smallint as province, (hash(i) % 2)::smallint as sex,
date '2025-12-31' - (hash(i + 7) % 30000)::integer as birth_date from range({PERSONS}) t(i)""")
took = []
for _ in range(TURNS + 1):
    since = time.perf_counter()
    rows = len(base.execute(QUESTION).fetchall())
    took.append((time.perf_counter() - since) * 1_000)
warm = took[1:]
print(f"DuckDB {duckdb.__version__}, {PERSONS} persons: {rows} rows, p50 {statistics.median(warm):.1f} ms, worst {max(warm):.1f} ms")
