"""Measured numbers in documents stand between markers and are what the named run says."""

import re

import pytest

import quote
from test_docs import ROOT, prose_of

# What the program sets or promises, and nobody measured.
SETTINGS = {"64-KiB", "64 KiB", "16 KiB", "1 ns", "95 %", "0.8 %"}
NUMBER = re.compile(r"\d[\d.,]*[\s-]*(?:(?:[nuµm]?s|[KMG]i?B|bytes|times|x)\b|%)")


def typed_numbers(text):
    """Numbers with a unit outside of code and quotes that are no settings."""
    prose = re.sub(r"`[^`]*`", "", prose_of(quote.BLOCK.sub("", text)))
    found = [re.sub(r"\s+", " ", number) for number in NUMBER.findall(prose)]
    return [number for number in found if number not in SETTINGS]


@pytest.mark.parametrize("document", quote.documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_measured_number_is_typed(document):
    assert typed_numbers(document.read_text()) == []


def test_a_typed_number_is_found_and_a_quoted_one_is_not():
    text = "Half of 64-KiB, but `3 ms`, 3.5 ms and 12 %. <!-- quote: run -->9 ms<!-- /quote -->"
    assert typed_numbers(text) == ["3.5 ms", "12 %"]


@pytest.mark.skipif(not (ROOT / "results" / "reference").exists(), reason="no reference run")
def test_every_quote_is_what_the_reference_run_says(capsys):
    assert quote.main(["--check"]) == 0, capsys.readouterr().out


def test_quotes_are_replaced_from_the_run(run_folder, tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text("Of <!-- quote: run -->?<!-- /quote -->: <!-- quote: verdict sleep threads cpu -->"
                    "<!-- /quote -->, <!-- quote: slope async rss -->1<!-- /quote -->.\n\n"
                    "<!-- quote: situations -->\n?\n<!-- /quote -->\n")
    arguments = [f"--run={run_folder}", str(path)]
    assert quote.main(["--check", *arguments]) == 1
    assert "?" in path.read_text()
    assert quote.main(arguments) == 0
    text = path.read_text()
    assert re.search(r"Of <!-- quote: run -->7 rounds, 200 trials<!-- /quote -->", text), text
    assert re.search(r"-->async by 7\.\d+x \(\d.*\)<!-- /quote -->, <!-- quote: slope async rss -->8\d\d "
                     r"bytes<!--", text), text
    assert "<!-- quote: situations -->\n| situation | use | by how much |\n" in text
    assert quote.main(["--check", *arguments]) == 0


@pytest.mark.parametrize("key", ["nothing", "verdict sleep nobody cpu", "slope async much"])
def test_a_key_that_there_is_not_is_one_line_and_status_2(run_folder, tmp_path, capsys, key):
    path = tmp_path / "page.md"
    path.write_text(f"<!-- quote: {key} -->?<!-- /quote -->")
    assert quote.main([f"--run={run_folder}", str(path)]) == 2
    assert capsys.readouterr().err == f'quote.py: {path}: the run has nothing for the key "{key}"\n'
