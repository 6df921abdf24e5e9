"""SYNTHETIC rows of all that is not sleep, fetch or chain in its plain form: the textbook's workloads,
blocking calls, floors, flags turned one at a time, open loops. As conftest.py; nothing was measured."""

import numpy as np

from conftest import MODEL_SPECS, synthetic_distribution, synthetic_row

BASE = "sleep:tasks=1000,sleep=100ms,jitter=0,repeat=1,seed=1"
MODELS = ("threads", "async")
UNITS = {"spawn": "one task", "switch": "one switch", "cpu": "one round of the hash",
         "shared": "one increment", "queue": "one item put or taken"}
TEXTBOOK = {
    "spawn:tasks=1000,batches=20,seed=1": (30_000, 40),
    "switch:tasks=2,by=yield,switches=1000,batches=100,seed=1": (1200, 20),
    "switch:tasks=2,by=pipe,switches=1000,batches=100,seed=1": (8000, 4000),
    "cpu:tasks=16,work=200000,yield-every=0,seed=1": (2, 4),
    "shared:tasks=8,lock=none,counters=1,increments=1000,seed=1": (3, 2),
    "shared:tasks=8,lock=mutex,counters=1,increments=1000,seed=1": (20, 6),
    "queue:producers=4,consumers=4,capacity=64,items=1000,seed=1": (500, 15),
    "files:tasks=20,files=100,bytes=64KiB,mode=both,remedy=direct,seed=1": (9, 10),
    "connections:tasks=1000,side=client,active=20,requests=50,seed=1": (9, 10),
}
CONDITIONS = "conditions:cpus=,origin-cpus=,load=0,arenas=auto"


def textbook_rows(rounds=5):
    """Every workload of the textbook; the time of a unit in ns is planted by model."""
    rng = np.random.default_rng(21)
    return [textbook_row(spec, model, r, unit * rng.normal(1, 0.02), rng)
            for spec, units in TEXTBOOK.items() for r in range(1, rounds + 1)
            for model, unit in zip(MODELS, units)]


def textbook_row(spec, model, round_, unit_ns, rng):
    workload = spec.partition(":")[0]
    row = synthetic_row(spec if "tasks=" in spec else spec.replace(":", ":tasks=8,"), model, round_, rng)
    operations, units = (100, 1000) if workload in UNITS else (2000, 1)
    wall = int(unit_ns * operations * units) if workload in UNITS else row["wall_ns"]
    latency = rng.normal(unit_ns * units, unit_ns * units / 50, 3000)
    cores = 2 if workload == "cpu" and model == "threads" else 1
    return {**row, "spec": spec, "workload": workload, "operations": operations,
            "unit": UNITS.get(workload), "units_per_operation": units, "wall_ns": wall, "ideal_ns": 0,
            "cpu_user_ns": int(wall * cores * 0.98), "cpu_system_ns": 0,
            "latency_ns": synthetic_distribution(latency.astype(np.int64)),
            "figures": figures_of(spec, model), "loop_occupancy": 1.0 if model == "async" else None}


def figures_of(spec, model):
    if not spec.startswith("shared"):
        return {}
    lost = 4000 if "lock=none" in spec and model == "threads" else 0
    return {"lost_updates_count": lost}


def floor_rows(rounds=6, tax=1.05):
    """threads and async beside their floors, which take 1 / tax of their CPU time and wall time."""
    rng = np.random.default_rng(22)
    rows = []
    for r in range(1, rounds + 1):
        for model, floor in (("threads", "bare-threads"), ("async", "bare-callbacks")):
            row = synthetic_row(BASE, model, r, rng)
            rows.append(row)
            shares = {key: int(row[key] / (tax * rng.normal(1, 0.002)))
                      for key in ("wall_ns", "cpu_user_ns", "cpu_system_ns")}
            rows.append({**row, **shares, "model": floor, "model_spec": f"{floor}:stack=auto"})
    return rows


# Changes to both cells, to threads alone, to async alone; and threads : async in wall time.
RUNGS = {
    "the base": ({}, {}, {}, 3.0),
    "cpus=0": ({"cpus": "0", "conditions": CONDITIONS.replace("cpus=,o", "cpus=0,o")}, {}, {}, 0.5),
    "cpus=0, origin-cpus=1": (
        {"cpus": "0", "conditions": CONDITIONS.replace("cpus=,origin-cpus=", "cpus=0,origin-cpus=1")},
        {}, {}, 0.6),
    "load=1": ({"conditions": CONDITIONS.replace("load=0", "load=1")}, {}, {}, 2.5),
    "jitter=1ms": ({"spec": BASE.replace("jitter=0", "jitter=1ms")}, {}, {}, 1.0),
    "stack=1MiB in threads": ({}, {"model_spec": "threads:stack=1MiB"}, {}, 3.5),
    "timer=coarse": ({}, {"model_spec": "threads:stack=64KiB,timer=coarse"},
                     {"model_spec": "async:stack=auto,timer=coarse"}, 2.8),
}


def ladder_rows(rounds=6):
    """A base, rungs of every kind, and another N, which is no rung."""
    rng = np.random.default_rng(23)
    rows = []
    for both, threads, other, ratio in RUNGS.values():
        for r in range(1, rounds + 1):
            for model, own, factor in (("threads", threads, ratio), ("async", other, 1)):
                wall = int(2e8 * factor * np.exp(rng.normal(0, 0.02)))
                row = synthetic_row(BASE, model, r, rng, wall_ns=wall)
                rows.append({**row, "conditions": CONDITIONS, **both, **own})
    small = BASE.replace("tasks=1000", "tasks=10")
    return rows + [synthetic_row(small, m, r, rng, conditions=CONDITIONS)
                   for r in range(1, rounds + 1) for m in MODELS]


def open_loop_rows(rounds=3):
    """A model that falls behind: its naive latency is short, that from the intended start is not."""
    rng = np.random.default_rng(24)
    spec = BASE.replace(",seed=1", ",rate=5000,seed=1")
    late = {"threads": 40e6, "async": 1e5}
    return [synthetic_row(spec, model, r, rng, intended_latency_ns=synthetic_distribution(
        (1e8 + late[model] * rng.random(3000)).astype(np.int64))) for r in range(1, rounds + 1)
        for model in MODELS]


def blocking_spec(block_ms=100, blockers=1, remedy="direct", kind="sleep"):
    return (f"blocking:victims=100,tick=5ms,blockers={blockers},block={block_ms}ms,every=500ms,"
            f"quiet=500ms,for=2s,kind={kind},remedy={remedy},slice=1ms,seed=1")


def blocking_row(spec, model, round_, rng, delayed, worst_ns, helpers=8, trace=None):
    row = synthetic_row("sleep:tasks=101,sleep=5ms,seed=1", model, round_, rng)
    calm = rng.lognormal(10, 0.4, 2000)
    late = np.concatenate([calm, rng.uniform(0, worst_ns, 200 if delayed else 0), [worst_ns]])
    control = synthetic_distribution(calm.astype(np.int64))
    blocking = dict(
        victims=100, victims_delayed=delayed, threshold_ns=5_000_000, ticks_due=40000,
        ticks_missed=20 * delayed, lateness_ns=synthetic_distribution(late.astype(np.int64)),
        quiet_lateness_ns=control, control_lateness_ns=control, control_priority="nice",
        call_lateness_ns=synthetic_distribution(np.full(40, 1_000_000 * 8 // helpers)),
        blocked_ns=400_000_000, stolen_ns_per_blocked_s=10_000_000 * delayed, recovery_ns=0, trace=trace)
    model_spec = MODEL_SPECS[model] + (f",helpers={helpers}" if model == "async" else "")
    return {**row, "spec": spec, "workload": "blocking", "model_spec": model_spec, "blocking": blocking}


def blocking_rows(rounds=3):
    """Direct and offloaded, two durations, two numbers of blockers, helpers, and a traced trial."""
    rng = np.random.default_rng(25)
    rows = []
    for r in range(1, rounds + 1):
        for ms in (10, 100):
            for blockers in (1, 4):
                rows += [blocking_row(blocking_spec(ms, blockers), "async", r, rng, 100, ms * 1e6),
                         blocking_row(blocking_spec(ms, blockers), "threads", r, rng, 0, 2e5),
                         blocking_row(blocking_spec(ms, blockers, "offload"), "async", r, rng, 0, 3e5)]
        rows += [blocking_row(blocking_spec(100, 4, "offload"), "async", r, rng, 0, 3e5, helpers)
                 for helpers in (1, 2, 4)]
    blocks = [[50_000_000, 150_000_000]]
    for model in MODELS:
        ticks = [[v, due, max(due, 150_000_000) if model == "async" and due > 50_000_000 else due + 9000]
                 for v in range(10) for due in range(0, 150_000_001, 5_000_000)]
        trace = dict(blocks=blocks, ticks=ticks)
        row = blocking_row(blocking_spec(), model, 1, rng, 0, 2e5, trace=trace)
        rows.append({**row, "timeline": []})
    return rows
