"""The example programs: their lines, the order of those as far as the waits fix it, and how long
they take, in every model."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = Path(os.environ.get("TVA", ROOT / "build" / "tva")).resolve().parent / "examples"
MODELS = ["async", "async-multi", "threads", "pool"]
# How long a program second lasts; a slow build (sanitizers) wants a longer one.
SECOND = os.environ.get("TVA_SECOND", "250ms")

HELLO = ["main: start", "f1: hello", "f2: hello", "f2: done", "f1: done", "main: done",
         "results: f1 result, f2 result"]
WORKERS = ["worker A: starting", "worker B: starting", "worker C: starting",
           "worker B: finished", "worker A: finished", "worker C: finished",
           "results: A done, B done, C done"]

CHAIN = {
    9: ["part1(9): sleeping for 4 s", "part1(9): returning result9-1",
        "part2(9, result9-1): sleeping for 7 s",
        "part2(9, result9-1): returning result9-2 derived from result9-1",
        "chain(9): result9-2 derived from result9-1"],
    6: ["part1(6): sleeping for 4 s", "part1(6): returning result6-1",
        "part2(6, result6-1): sleeping for 4 s",
        "part2(6, result6-1): returning result6-2 derived from result6-1",
        "chain(6): result6-2 derived from result6-1"],
    3: ["part1(3): sleeping for 0 s", "part1(3): returning result3-1",
        "part2(3, result3-1): sleeping for 4 s",
        "part2(3, result3-1): returning result3-2 derived from result3-1",
        "chain(3): result3-2 derived from result3-1"],
}
CHAIN_IN_ASYNC = [
    CHAIN[9][0], CHAIN[6][0], *CHAIN[3][:3], *CHAIN[9][1:3], *CHAIN[6][1:3], *CHAIN[3][3:],
    *CHAIN[6][3:], *CHAIN[9][3:]]


class Case:
    """A program with what it must print. `groups`: lists of lines; all lines of a group come before
    all of the next, and only in async is the order inside a group fixed. `chains`: lists of lines
    each of which is in order in every model."""

    def __init__(self, name, total, groups, chains=(), arguments=()):
        self.name, self.arguments = name, arguments
        self.total, self.groups, self.chains = total, groups, chains

    def __str__(self):
        return " ".join([self.name, *self.arguments])


def one_by_one(lines):
    return [[line] for line in lines]


CASES = [
    Case("sequential", 5, one_by_one(["main: start", "f1: hello", "f1: done", "f2: hello",
                                      "f2: done", "main: done", "results: f1 result, f2 result"])),
    Case("gather", 3, [HELLO[:1], HELLO[1:3], *one_by_one(HELLO[3:])]),
    Case("tasks", 6, [HELLO[:1], HELLO[1:3], *one_by_one(HELLO[3:]), WORKERS[:3],
                      *one_by_one(WORKERS[3:])]),
    Case("dont_wait", 3, [["main: start"], ["main: doing other work", "f1: hello", "f2: hello"],
                          *one_by_one(["f2: done", "f1: done", "main: done"])]),
    Case("dont_wait", 1.5, [["main: start"], ["main: doing other work", "f1: hello", "f2: hello"],
                            *one_by_one(["f2: done", "main: done", "f1: cancelled"])],
         arguments=["--early"]),
    Case("as_completed", 2, one_by_one(["result: f2 result", "result: f1 result"])),
    Case("count", 1, [["One"] * 3, ["Two"] * 3]),
    Case("chain", 11, [CHAIN_IN_ASYNC],
         chains=[*CHAIN.values(), [CHAIN[3][-1], CHAIN[6][-1], CHAIN[9][-1]]]),
    Case("fetch_data", 5, [["fetching users", "fetching products"],
                           *one_by_one(["fetched users", "fetched products",
                                        "results: users, products", "data fetched",
                                        "data processed"])]),
    Case("generator", 8, one_by_one(
        ["looking for 25", "pages: open", "page 1: items 1 to 10", "page 2: items 11 to 20",
         "page 3: items 21 to 30", "found 25", "pages: closed", "looking for 99", "pages: open",
         "page 1: items 1 to 10", "page 2: items 11 to 20", "page 3: items 21 to 30",
         "page 4: items 31 to 40", "page 5: items 41 to 50", "pages: closed", "there is no 99"])),
]


def start(name, *arguments, cwd=None):
    return subprocess.Popen([EXAMPLES / name, *arguments], cwd=cwd, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines_of(process, status=0):
    """Waits for the end. Returns the lines and the total; how long a part took is taken off."""
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, ""), output
    *lines, last = output.splitlines()
    total = re.fullmatch(r"total: (\d+\.\d\d) s", last)
    assert total, output
    return [re.sub(r" \(took \d+\.\d\d s\)$", "", line) for line in lines], float(total[1])


def check_total(total, ideal):
    assert ideal - 0.01 <= total <= ideal * 1.6 + 0.4, f"took {total} s, {ideal} s were waited"


def check_groups(lines, groups, model):
    expected = [line for group in groups for line in group]
    if model == "async":
        assert lines == expected
    at = 0
    for group in groups:
        assert Counter(lines[at:at + len(group)]) == Counter(group), lines
        at += len(group)
    assert len(lines) == at, lines


def check_order(lines, chain):
    assert [line for line in lines if line in chain] == chain


@pytest.fixture(scope="module")
def started():
    """All cases side by side: they wait more than they work."""
    processes = {(str(case), model): start(case.name, *case.arguments, f"--model={model}",
                                           f"--second={SECOND}")
                 for case in CASES for model in MODELS}
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lines_come_in_the_order_that_the_waits_fix(started, case, model):
    lines, total = lines_of(started[str(case), model])
    check_groups(lines, case.groups, model)
    for chain in case.chains:
        check_order(lines, chain)
    check_total(total, case.total)


def test_a_blocking_call_holds_up_the_tasks_of_a_loop_and_no_thread():
    # Of several loops it holds up one, and who shares that depends on how many there are.
    processes = {model: start("count", "--blocking", f"--model={model}", f"--second={SECOND}")
                 for model in MODELS if model != "async-multi"}
    lines, total = lines_of(processes.pop("async"))
    assert lines == ["One", "Two"] * 3
    check_total(total, 3)
    for process in processes.values():
        lines, total = lines_of(process)
        assert lines == ["One"] * 3 + ["Two"] * 3
        check_total(total, 1)


def test_count_blocking_names_each_task_that_held_the_loop_how_long_and_where():
    process = start("count", "--blocking", "--second=200ms", "--detect-blocking=50ms")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    told = re.findall(r"^async: task '(count \d)' held the loop for (\d+\.\d) ms, (.*)$", errors,
                      re.MULTILINE)
    assert [name for name, _, _ in told] == ["count 1", "count 2", "count 3"], errors
    assert all(200 <= float(held_ms) < 600 for _, held_ms, _ in told), errors
    if "a place unknown (Operation not" in errors:
        pytest.skip("the kernel lets nobody look at the place here")
    assert len(re.findall(r"^    count\b", errors, re.MULTILINE)) == 3, errors


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_told_of_tasks_that_wait_or_have_threads(model):
    arguments = [] if model.startswith("async") else ["--blocking"]
    process = start("count", *arguments, f"--model={model}", "--second=2s", "--detect-blocking=1s")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("model", MODELS)
def test_fetch_urls_gets_all_and_the_delayed_one_last(model):
    lines, total = lines_of(start("fetch_urls", f"--model={model}", "--second=200ms"))
    assert len(lines) == 11
    fetching = [line.split()[1] for line in lines if line.startswith("fetching ")]
    fetched = [line.split()[1].rstrip(":") for line in lines if line.startswith("fetched ")]
    assert len(set(fetching)) == 5 and sorted(fetching) == sorted(fetched)
    assert all(line.endswith(": 200") for line in lines if line.startswith("fetched "))
    assert fetched[-1].endswith("/delay/0.4")
    assert lines[-1] == "statuses: 200 200 200 200 200"
    check_total(total, 2)
    if model == "async":
        targets = [url.split("/", 3)[3] for url in fetching]
        assert targets == ["bytes/100", "bytes/2000", "delay/0.4", "bytes/30000", "status/200"]


@pytest.fixture
def origin(tva):
    process = tva.start("origin")
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate(timeout=30)


def test_fetch_urls_takes_other_urls_and_more_of_them_than_it_has_connections(origin):
    paths = ["/bytes/10?seed=%d" % seed for seed in range(20)] + ["/status/404"]
    for model in MODELS:
        lines, _ = lines_of(start("fetch_urls", f"--model={model}", f"--second={SECOND}",
                                  *[f"--url={origin}{path}" for path in paths]))
        assert lines[-1] == "statuses:" + " 200" * 20 + " 404"


def test_fetch_urls_says_which_url_failed(origin):
    gone = "http://127.0.0.1:9/"
    for model in MODELS:
        process = start("fetch_urls", f"--model={model}", f"--url={gone}",
                        f"--url={origin}/bytes/1")
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"failed {gone}: Connection refused" in output.splitlines()
        assert "statuses: 000 200" in output.splitlines()
        assert errors == "fetch_urls: Connection refused\n"


@pytest.mark.parametrize("model", MODELS)
def test_producer_consumer_loses_nothing_and_ends(model):
    lines, total = lines_of(start("producer_consumer", f"--model={model}", f"--second={SECOND}"))
    made = [int(m[1]) for m in (re.fullmatch(r"producer \d: item (\d+)", x) for x in lines) if m]
    done = [int(m[1]) for m in (re.fullmatch(r"consumer \d: item (\d+) done", x) for x in lines)
            if m]
    assert sorted(made) == sorted(done) == list(range(1, 13))
    for item in range(1, 13):
        at = [i for i, line in enumerate(lines) if re.search(rf"item {item}( done)?$", line)]
        assert lines[at[0]].startswith("producer") and lines[at[1]].startswith("consumer")
    assert Counter(line for line in lines if "item" not in line) == Counter(
        ["producer 1: done", "producer 2: done", "consumer 1: cancelled", "consumer 2: cancelled",
         "consumer 3: cancelled", "produced: 12", "consumed: 12, sum: 78"])
    assert lines[-2:] == ["produced: 12", "consumed: 12, sum: 78"]
    check_total(total, 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("model", MODELS)
def test_signal_stops_the_workers_in_order(model, number):
    process = start("signal", f"--model={model}", "--second=10ms")
    ticked = set()
    while ticked != {"A", "B", "C"}:
        match = re.fullmatch(r"worker (.): tick \d+\n", process.stdout.readline())
        ticked |= {match[1]} if match else set()
    process.send_signal(number)
    lines, _ = lines_of(process)
    at = lines.index(f"main: {number.name}, stopping")
    assert [line for line in lines[at:] if "tick" not in line] == [
        f"main: {number.name}, stopping", "worker C: stopped", "worker B: stopped",
        "worker A: stopped", "main: done"]


def fnv(data):
    checksum = 0xCBF29CE484222325
    for byte in data:
        checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    return f"{checksum:016x}"


def write_files(folder, count):
    """Returns what the pipeline is to write of them; one is longer than a piece."""
    expected = ""
    for i in range(count):
        data = bytes((i * 7 + j) % 256 for j in range(300_000 if i == 3 else i * 100))
        (folder / f"file{i}").write_bytes(data)
        expected += f"{fnv(data)}  file{i}\n"
    return expected


@pytest.mark.parametrize("model", MODELS)
def test_pipeline_writes_the_hashes_in_the_order_of_the_files(tmp_path, model):
    expected = write_files(tmp_path, 12)
    (tmp_path / "result").write_text("of a run before")
    names = [f"file{i}" for i in range(12)]
    lines, _ = lines_of(start("pipeline", f"--model={model}", "--output=result", *names,
                              cwd=tmp_path))
    assert (tmp_path / "result").read_text() == expected
    assert Counter(lines) == Counter([f"hashing {name}" for name in names]
                                     + [f"hashed {name}" for name in names]
                                     + ["wrote result: 12 files"])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["result", *names])


@pytest.mark.parametrize("model", MODELS)
def test_pipeline_that_is_interrupted_leaves_the_folder_as_it_was(tmp_path, model):
    (tmp_path / "result").write_text("of a run before")
    for name in ("one", "two", "three", "four", "five", "six"):
        with open(tmp_path / name, "wb") as file:
            file.truncate(64 << 30)  # takes no room, and minutes to hash
    before = sorted(p.name for p in tmp_path.iterdir())
    process = start("pipeline", f"--model={model}", "--output=result", "one", "two", "three",
                    "four", "five", "six", cwd=tmp_path)
    assert process.stdout.readline().startswith("hashing ")
    assert len(list(tmp_path.iterdir())) == len(before) + 1, "it writes to a file beside"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    lines, _ = lines_of(process, status=130)
    assert time.monotonic() - begin < 20
    assert lines[-1] == "wrote nothing"
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert (tmp_path / "result").read_text() == "of a run before"


@pytest.mark.parametrize("model", MODELS)
def test_pipeline_that_fails_names_the_file_and_leaves_nothing(tmp_path, model):
    write_files(tmp_path, 3)
    process = start("pipeline", f"--model={model}", "--output=result", "file0", "missing", "file1",
                    cwd=tmp_path)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "wrote nothing" in output.splitlines()
    assert errors.splitlines()[0] == "pipeline: missing: No such file or directory"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file0", "file1", "file2"]


@pytest.mark.parametrize("arguments, message", [
    (["gather", "--model=fibres"], "gather: --model: unknown model \"fibres\""),
    (["gather", "--second=10"], "gather: --second: '10' has no unit"),
    (["gather", "--second=0"], "gather: --second: 0 is out of range"),
    (["gather", "--early"], "gather: unknown option --early: gather takes --model, --second"),
    (["gather", "more"], "gather: what is \"more\"?"),
    (["count", "--blocking=1"], "count: --blocking takes no value"),
    (["fetch_urls", "--url=ftp://host/"], "fetch_urls: --url: "),
    (["pipeline", "file"], "pipeline: where to? --output=FILE"),
    (["pipeline", "--output=result"], "pipeline: which files?"),
], ids=" ".join)
def test_a_wrong_command_line_is_one_line_and_status_2(tmp_path, arguments, message):
    process = start(*arguments, cwd=tmp_path)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith(message) and errors.count("\n") == 1, errors


def test_help_tells_options_units_and_defaults():
    output, errors = start("dont_wait", "--help").communicate(timeout=30)
    assert errors == ""
    output = " ".join(output.split())  # it is wrapped
    for text in ("--model=NAME", "(default async)", "--second=DURATION", "(default 1s)",
                 "--detect-blocking=DURATION", "--early"):
        assert text in output
