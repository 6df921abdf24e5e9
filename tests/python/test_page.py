"""The page of a run that has everything: every chart is drawn, every question answered, and it does in
a browser what it should."""

import json
import re
import shutil
import subprocess

import pytest

import report
from conftest import write_run
from synthetic_cells import (blocking_rows, floor_rows, ladder_rows, open_loop_rows, textbook_rows)
from test_aa import twin_rows

CHARTS = {"ledger", "block", "lateness", "stolen", "helpers", "cores", "units", "tax", "ladder", "noise",
          "drift", "answer", "answer-narrow", "memory-sleep", "time-sleep", "cpu-sleep",
          "overshoot-sleep", "throughput-fetch", "latency-fetch", "timeline", "crossover-sleep"}
QUESTIONS = ["answer", "memory", "time", "waiting", "fetch", "blocking", "cores", "tax", "changes", "noise",
             "left-out"]

needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")


def whole_rows(all_rows):
    core = [row for row in all_rows if row["status"] == "ok"]
    rows = core + textbook_rows(3) + floor_rows(3) + ladder_rows(3) + open_loop_rows() + blocking_rows()
    rows += twin_rows(rounds=3)
    return [{**row, "attempt": 1, "disturbed": ["steal"] if i % 50 == 0 else []}
            for i, row in enumerate(rows)]


@pytest.fixture(scope="module")
def page(tmp_path_factory, all_rows):
    """The report's folder of a run that has all kinds of cells."""
    folder = write_run(tmp_path_factory.mktemp("whole") / "whole", whole_rows(all_rows), witness=False)
    spins = [dict(round=r, control_spin_ns=30_000_000 + 100_000 * r) for r in range(1, 7)]
    (folder / "rounds.jsonl").write_text("".join(json.dumps(spin) + "\n" for spin in spins))
    out = tmp_path_factory.mktemp("page")
    assert report.main([str(folder), f"--out={out}"]) == 0
    return out


def test_every_chart_is_drawn(page):
    assert CHARTS <= {path.stem for path in (page / "charts").glob("*.svg")}


def test_every_question_is_answered(page):
    text = (page / "report.md").read_text()
    assert "This run has no cells for it" not in text and "Not in this run" not in text
    parts = re.split(r"^## ", text, flags=re.M)[1:]
    for number, part in enumerate(parts[1:10], 2):
        assert part.startswith(f"{number}. ")
        assert re.search(r"^> ", part, re.M), f"question {number} has no verdict"
        assert "](charts/" in part, f"question {number} has no chart"


def test_the_machines_noise_is_told(page):
    text = (page / "report.md").read_text()
    assert "were disturbed to the last attempt" in text
    assert re.search(r"^\| steal \| the hypervisor gave the cores to others \| 0 \| \d+ \|$", text, re.M)
    assert "6 times before a round or the rest of one: median 30.4 ms" in text


def test_the_ladder_marks_what_changes_the_winner(page):
    text = (page / "report.md").read_text()
    assert "changes the winner: `cpus=0`" in text


def test_a_witness_that_does_not_agree_is_told_first_and_fails(tmp_path, all_rows, monkeypatch, capsys):
    monkeypatch.setattr(report, "write_charts", lambda *_: [])
    rows = [row for row in all_rows if row["tasks"] == 1000 and row["workload"] == "sleep"]
    folder = write_run(tmp_path / "r", rows)
    witness = json.loads((folder / "witness.json").read_text())
    witness["results"][0]["median"] *= 2
    (folder / "witness.json").write_text(json.dumps(witness))
    assert report.main([str(folder), f"--out={tmp_path / 'out'}"]) == 1
    lines = (tmp_path / "out" / "report.md").read_text().splitlines()
    assert lines[2].startswith("> **Warning.** The outside witness does not agree in 1 cell.")
    assert "report.py: hyperfine saw" in capsys.readouterr().err


PROBE = """<script>
addEventListener("load", () => {
const facts = {
  questions: [...document.querySelectorAll("h2[id]")].map(h => h.id),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  width: innerWidth,
  missing: [...document.querySelectorAll("img")].filter(i => !i.naturalWidth).map(i => i.alt),
};
const table = [...document.querySelectorAll("table")].find(t => t.querySelector("th.number"));
const column = [...table.tHead.rows[0].cells].findIndex(h => h.className === "number");
const keys = () => [...table.tBodies[0].rows].map(r => r.cells[column].dataset.sort);
const button = table.tHead.rows[0].cells[column].firstChild;
button.click();
facts.ascending = keys();
button.click();
facts.descending = keys();
parent.postMessage("FACTS" + JSON.stringify(facts) + "END", "*");
});
</script>"""


def probe(page, folder, width):
    """What a browser finds in the page, loaded in a frame of that width: a window of headless
    Chromium has a smallest one."""
    inner = folder / f"inner-{width}.html"
    inner.write_text((page / "report.html").read_text().replace("</body>", PROBE + "</body>"))
    outer = folder / f"outer-{width}.html"
    outer.write_text(f"""<!doctype html><body><script>
        addEventListener("message", event => {{ document.body.textContent = event.data; }});
        </script><iframe src="{inner.name}" width="{width}" height="800"></iframe></body>""")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000",
         f"--user-data-dir={folder / 'profile'}", "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, timeout=90, check=True)
    return json.loads(re.search(r"FACTS(.*)END", done.stdout, re.S)[1])


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_works_in_a_browser(page, tmp_path, width):
    facts = probe(page, tmp_path, width)
    assert facts["questions"][:11] == QUESTIONS
    assert facts["width"] == width
    assert facts["overflow"] <= 0
    assert facts["missing"] == []
    ascending, descending = ([float(key) for key in facts[order] if key]
                             for order in ("ascending", "descending"))
    assert ascending == sorted(ascending) and len(set(ascending)) > 1
    assert descending == sorted(ascending, reverse=True)
