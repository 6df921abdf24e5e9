"""A generator of SYNTHETIC runs for the tests of the scripts. Nothing here was measured: figures
follow from planted costs per model, with seeded noise, in the form of results/README.md."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

# Planted, per model: wall time beyond ideal by task, CPU by operation, bytes by task (RSS, kernel),
# and the overshoot's median; all but the last two sizes in ns.
PLANTED = {
    "threads": dict(wall=9000, cpu=24000, rss=9200, kernel=17400, overshoot=90000),
    "pool": dict(wall=2000, cpu=15000, rss=96, kernel=0, overshoot=70000),
    "async": dict(wall=1500, cpu=3000, rss=820, kernel=12, overshoot=60000),
}
MODEL_SPECS = {"threads": "threads:stack=64KiB", "pool": "pool:stack=64KiB,workers=32",
               "async": "async:stack=auto"}


def synthetic_distribution(values):
    """Values in ns as a row's distribution, by the rules of common/measure/histogram.h."""
    values = np.sort(np.asarray(values, dtype=np.int64))
    if not values.size:
        return dict(count=0, min=None, mean=None, p50=None, p90=None, p99=None, p999=None, max=None,
                    buckets=[])
    buckets = {}
    for value in values.tolist():
        width = 1 if value < 256 else 1 << (value.bit_length() - 8)
        lower = value // width * width
        buckets.setdefault(lower, [lower, lower + width, 0])[2] += 1
    found = dict(count=values.size, min=int(values[0]), mean=round(values.mean()),
                 max=int(values[-1]), buckets=list(buckets.values()))
    for name, per_100k in dict(p50=50000, p90=90000, p99=99000, p999=99900).items():
        found[name] = exact_percentile(values, per_100k)
    return found


def exact_percentile(values, per_100k):
    rank = -(-values.size * per_100k // 100000)
    return int(values[rank - 1]) if values.size - rank >= 10 else None


def synthetic_row(spec, model, round_, rng, scale=1.0, **changes):
    """One row of a trial that ended ok; `scale` multiplies what the model costs."""
    workload = spec.partition(":")[0]
    params = dict(part.split("=") for part in spec.partition(":")[2].split(","))
    tasks = int(params["tasks"])
    operations = int(params.get("requests", tasks))
    cost = {key: value * scale * rng.normal(1, 0.02) for key, value in PLANTED[model].items()}
    waves = max(1, tasks // 32) if model == "pool" else 1
    ideal = 100_000_000 * (operations // tasks)
    wait = 50_000_000 if workload == "fetch" else 100_000_000
    wall = int(ideal * waves + 3e5 + cost["wall"] * tasks)
    cpu = int(cost["cpu"] * operations + 4e5)
    late = rng.lognormal(np.log(cost["overshoot"]), 0.5, operations).astype(np.int64)
    row = dict(
        schema=1, run="synthetic", round=round_, workload=workload, model=model, spec=spec,
        model_spec=MODEL_SPECS[model], cpus=None, seed=1, status="ok", reason=None, tasks=tasks,
        operations=operations, errors={}, verified=True, peak_in_flight=min(tasks, 32 * waves),
        ideal_ns=ideal, wall_ns=wall, spawn_ns=wall // 10, run_ns=wall - wall // 10 - 1000,
        join_ns=1000, cpu_user_ns=cpu // 2, cpu_system_ns=cpu - cpu // 2,
        latency_ns=synthetic_distribution(wait + 20 * late),
        overshoot_ns=synthetic_distribution(late) if workload == "sleep" else None,
        memory=synthetic_memory(tasks, cost, rng), stack=dict(size_bytes=65536, used_peak_bytes=900),
        switches=dict(voluntary=tasks, involuntary=3), faults=dict(minor=tasks, major=0), limit=None,
        origin=dict(requests=operations, bytes=operations * 1024, cpu_ns=wall // 5)
        if workload == "fetch" else None,
        process=dict(wall_ns=wall + 4_000_000, cpu_user_ns=cpu, cpu_system_ns=cpu), timeline=None)
    row.update(changes)
    if "wall_ns" in changes and "process" not in changes:
        row["process"]["wall_ns"] = row["wall_ns"] + 4_000_000
    return row


def synthetic_memory(tasks, cost, rng):
    base = int(3_000_000 * rng.normal(1, 0.01))
    plateau = int(base + cost["rss"] * tasks)
    kernel = int(cost["kernel"] * tasks)
    tables = tasks * 8
    return dict(rss_base_bytes=base, rss_plateau_bytes=plateau, rss_peak_bytes=plateau + 4096,
                page_tables_bytes=tables, kernel_stack_bytes=kernel, slab_bytes=kernel // 8,
                kernel_source="cgroup",
                whole_plateau_bytes=plateau + tables + kernel + kernel // 8)


def not_ok(row, status, reason, **changes):
    """The row of a trial that ended otherwise: its figures are null."""
    nulls = dict.fromkeys(("wall_ns", "spawn_ns", "run_ns", "join_ns", "cpu_user_ns",
                           "cpu_system_ns", "latency_ns", "overshoot_ns", "memory", "stack"))
    return {**row, **nulls, "status": status, "reason": reason, "verified": False, "operations": 0,
            **changes}


def synthetic_timeline(rng, tasks, model):
    """Chains of two waits each, with a short run before, between and after."""
    spans = []
    for task in range(tasks):
        now = 50_000 * task if model != "pool" else 50_000_000 * (task // 4)
        for _ in range(2):
            wait = int(rng.integers(5_000_000, 90_000_000))
            spans += [[task, "run", now, now + 30_000], [task, "wait", now + 30_000, now + wait]]
            now += wait
        spans.append([task, "run", now, now + 40_000])
    return spans


def synthetic_rows(rounds=6):
    """Rows of a whole run: three workloads over N in three models, timelines, and what fails."""
    rng = np.random.default_rng(7)
    specs = [f"sleep:tasks={n},sleep=100ms,jitter=0,repeat=1,seed=1" for n in
             (10, 100, 1000, 3000, 10000)]
    specs += [f"fetch:tasks={n},requests={10 * n},delay=50ms,size=1KiB,keepalive=yes,seed=1"
              for n in (10, 100, 1000)]
    specs += [f"chain:tasks={n},parts=2,max-wait=100ms,seed=1" for n in (10, 100, 1000)]
    rows = [synthetic_row(spec, model, r, rng) for r in range(1, rounds + 1) for spec in specs
            for model in PLANTED if not (model == "pool" and "tasks=10000" in spec)]
    small = "chain:tasks=8,parts=2,max-wait=100ms,seed=1"
    rows += [synthetic_row(small, model, 1, rng, timeline=synthetic_timeline(rng, 8, model),
                           ideal_ns=140_000_000)
             for model in PLANTED]
    return rows + failing_rows(rng)


def failing_rows(rng):
    spec = "sleep:tasks=100000,sleep=100ms,jitter=0,repeat=1,seed=1"
    limit = dict(name="pids.max", value=32768, reached=31980)
    row = synthetic_row(spec, "threads", 1, rng)
    return [
        synthetic_row(spec, "async", 1, rng), synthetic_row(spec, "async", 2, rng),
        not_ok(row, "limited", "the machine allows no further thread", limit=limit),
        not_ok(synthetic_row("chain:tasks=10,parts=2,max-wait=100ms,seed=1", "pool", 7, rng),
               "crashed", "ended by signal 11"),
        not_ok(synthetic_row("chain:tasks=10,parts=2,max-wait=100ms,seed=1", "async", 7, rng),
               "timeout", "killed after 60 s"),
    ]


def synthetic_plan(rows):
    """The plan.json that fits the rows."""
    cells = {}
    for row in rows:
        key = (row["spec"], row["model_spec"], row["timeline"] is not None)
        cell = cells.setdefault(key, dict(
            cell=len(cells), workload=row["workload"], model=row["model"], spec=row["spec"],
            model_spec=row["model_spec"], cpus=None, rounds=0, timeline=key[2],
            witness=row["tasks"] == 1000, params={}, model_params={}))
        cell["rounds"] += 1
    return dict(name="synthetic", seed=1, rounds=6, cells=list(cells.values()))


def synthetic_witness(rows, plan):
    """hyperfine's JSON, 1 ms above the first trial of each cell that it timed."""
    results = []
    for cell in (cell for cell in plan["cells"] if cell["witness"]):
        key = cell["spec"], cell["model_spec"]
        row = next(row for row in rows if (row["spec"], row["model_spec"]) == key)
        mean = row["process"]["wall_ns"] / 1e9 + 0.001
        results.append(dict(command="tva trial ...", mean=mean, stddev=0.0004, median=mean,
                            user=0.01, system=0.01, min=mean, max=mean, times=[mean] * 5,
                            exit_codes=[0] * 5, cell=cell["cell"], spec=cell["spec"],
                            model_spec=cell["model_spec"]))
    return dict(results=results)


SYNTHETIC_ENVIRONMENT = {
    "schema": 1, "time": "2024-01-01T00:00:00Z", "kernel": "SYNTHETIC 6.1",
    "cpu": {"model": "SYNTHETIC CPU", "cores": 2, "governor": None,
            "mitigations": {"spectre_v2": "on"}},
    "libraries": [{"name": "libevent", "version": "2.1.12"}], "limits": {"nproc": [100, 200]},
    "build": {"compiler": "gcc 12", "flags": "-O2", "revision": "0123abc"},
    "load_before": {"average": "0.1 0.2 0.3"}, "load_after": None,
}


def write_run(folder, rows, tail="", witness=True):
    """Writes a run's folder of the rows; `tail` is appended to trials.jsonl as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = synthetic_plan(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "trials.jsonl").write_text(lines + tail)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "environment.json").write_text(json.dumps(SYNTHETIC_ENVIRONMENT))
    if witness:
        (folder / "witness.json").write_text(json.dumps(synthetic_witness(rows, plan)))
    return folder


@pytest.fixture(scope="session")
def all_rows():
    return synthetic_rows()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, all_rows):
    return write_run(tmp_path_factory.mktemp("runs") / "synthetic", all_rows)


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory, run_folder):
    """The report of the synthetic run, made once."""
    import report
    out = tmp_path_factory.mktemp("report")
    assert report.main([str(run_folder), f"--out={out}"]) == 1
    return out
