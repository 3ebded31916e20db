#!/usr/bin/env python3
"""Ours beside PostgreSQL's cascade and the bare sketch, in turns on one machine: medians and ratios as one table.

beside.py PEERS OURS [ROUNDS]: PEERS is the folder of the peers' harness, OURS the command that prints our figures.
A peer that is not installed is left out and named.
"""
import json, os, re, statistics, subprocess, sys

peers, ours = sys.argv[1], sys.argv[2].split()
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
scratch = os.environ["DANSO_BENCH"]
os.makedirs(f"{scratch}/results", exist_ok=True)
LOADS = [(1, 1), (1, 8), (100, 1), (1000, 1)]
found: dict[tuple[str, object], list[float]] = {}


def note(system, figure, value):
    found.setdefault((system, figure), []).append(float(value))


def postgres():
    sys.path.insert(0, f"{peers}/postgres")
    import bench, cluster

    bench.OUT = f"{scratch}/results/beside.jsonl"
    bench.load_src()
    cluster.fresh("on", ("district", "province", "central"))
    bench.reset_probe()
    try:
        for (batch, clients), count in zip(LOADS, (10_000, 20_000, 100_000, 200_000)):
            bench.run_events(batch, count, clients, "summary", "beside")
            last = json.loads(open(bench.OUT).readlines()[-1])
            note("postgres", (batch, clients), last["e2e_rate"])
    finally:
        cluster.destroy()


def floor():
    def run(*arguments):
        command = [f"{scratch}/target/release/floor", *map(str, arguments), 1, f"{scratch}/floor"]
        command = list(map(str, command))
        os.makedirs(f"{scratch}/floor", exist_ok=True)
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return dict(re.findall(r"(\w+)=(\S+)", told))

    for (batch, clients), count in zip(LOADS, (20_000, 80_000, 400_000, 1_000_000)):
        note("floor", (batch, clients), run("tput", batch, clients, count)["e2e_rate"])
    told = run("lat", 200, 10)
    note("floor", "p50", told["p50_ms"])
    note("floor", "p99", told["p99_ms"])


def danso():
    told = subprocess.run(ours, capture_output=True, text=True, check=True).stdout
    for batch, clients, rate in re.findall(r"(\d+) a transaction, clients (\d+) \| (\d+) a second", told):
        note("danso", (int(batch), int(clients)), rate)
    for percentile, value in re.findall(r"a second, (p\d+) \| ([\d.]+) ms", told):
        note("danso", percentile, value)


missing = set()
for turn in range(rounds):
    for system in (postgres, floor, danso):
        try:
            system()
        except (ImportError, OSError, AssertionError, subprocess.CalledProcessError) as error:
            if system is danso:
                raise
            missing.add(f"{system.__name__}: {error}")
for peer in sorted(missing):
    print(f"left out: {peer}", file=sys.stderr)


def median(system, figure):
    values = found.get((system, figure))
    return statistics.median(values) if values else None


def cell(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(one, other):
    return "-" if one is None or not other else f"{one / other:.2f}"


print(f"Medians of {rounds} rounds in turns.\n")
print("| events a second at central | PostgreSQL, synced | floor sketch | danso | times PostgreSQL | share of the floor |")
print("|---|---|---|---|---|---|")
for batch, clients in LOADS:
    pg, low, own = (median(system, (batch, clients)) for system in ("postgres", "floor", "danso"))
    name = f"{batch:,} a transaction, {clients} client{'s' if clients > 1 else ''}"
    print(f"| {name} | {cell(pg)} | {cell(low)} | {cell(own)} | {ratio(own, pg)} | {ratio(own, low)} |")
print("\n| commune's answer to central's count, 200 a second | floor sketch | danso |")
print("|---|---|---|")
for percentile in ("p50", "p99"):
    low, own = median("floor", percentile), median("danso", percentile)
    print(f"| {percentile}, ms | {cell(low, 2)} | {cell(own, 2)} |")
