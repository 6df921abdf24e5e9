"""The documents keep to what is there: links lead somewhere, names are declared, snippets compile."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONCEPTS = ROOT / "docs" / "concepts.md"
DOCUMENTS = sorted(path for path in [ROOT / "README.md", ROOT / "results" / "README.md",
                                     *(ROOT / "docs").glob("*.md")] if path.is_file())

# What a checkout need not hold: the reference run. Where it is there, all that is linked must be.
REFERENCE = [ROOT / "docs" / "reports" / "reference", ROOT / "results" / "reference"]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]*(?:\[[^\]]*\][^\]]*)*)\]\(([^)\s]+)\)")
CALL = re.compile(r"`(\w+)\(\)`")


def prose_of(text):
    """The text without its fenced blocks."""
    return FENCE.sub("", text)


def links_of(path):
    """(text, target) of each relative link; an image within a link is one of its own."""
    prose = prose_of(path.read_text())
    found = LINK.findall(prose) + re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", prose)
    return [(text, target) for text, target in found if not re.match(r"[a-z]+:", target)]


def anchors_of(path):
    """The headings' anchors as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_of_missing_run(path):
    return any(path.is_relative_to(run) and not run.exists() for run in REFERENCE)


def is_good_link(document, target):
    name, _, anchor = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    if is_of_missing_run(path):
        return True
    return path.exists() and (not anchor or path.suffix != ".md" or anchor in anchors_of(path))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document):
    broken = [target for _, target in links_of(document) if not is_good_link(document, target)]
    assert broken == []


def without_comments(source):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)


def test_every_function_named_is_declared_in_common():
    headers = "\n".join(without_comments(path.read_text())
                        for path in (ROOT / "common").rglob("*.h"))
    declared = set(re.findall(r"^[\w][\w *]*?\b(\w+)\([^{};]*\)[^{};]*;", headers, re.MULTILINE))
    prose = prose_of(CONCEPTS.read_text())
    named = set(CALL.findall(LINK.sub("", prose))) # a link says for itself where its name is
    assert len(named) > 20
    assert sorted(named - declared) == []


def defines(path, name):
    """Whether the C file defines the function."""
    source = without_comments(path.read_text())
    return re.search(rf"^[\w][\w *]*\b{name}\([^;{{}}]*\)\s*{{", source, re.MULTILINE)


def test_every_function_named_in_a_link_is_defined_in_the_file_that_it_leads_to():
    named = [(name, target) for text, target in links_of(CONCEPTS) for name in CALL.findall(text)
             if target.endswith(".c")]
    assert len(named) > 20
    assert [(name, target) for name, target in named
            if not defines(CONCEPTS.parent / target, name)] == []


def snippets_of(path):
    """(line, code) of each fenced block in C."""
    text = path.read_text()
    return [(text.count("\n", 0, match.start(2)) + 1, match[2])
            for match in FENCE.finditer(text) if match[1] == "c"]


def is_declarations(code):
    """A snippet that defines functions, or begins with what cannot stand in one, is at file scope;
    the others are statements."""
    return bool(re.match(r"#include|extern", code) or
                re.search(r"^\w[\w *]*\w\([^;]*\) \{$", code, re.MULTILINE))


def translation_unit(path):
    """All snippets, in order, so that each may use what those before it have defined."""
    parts = []
    for line, code in snippets_of(path):
        source = f'#line {line} "{path}"\n{code}'
        if not is_declarations(code):
            source = f"static int snippet_{line}(void)\n{{\n{source}return 0;\n}}\n"
        parts.append(source)
    return "".join(parts)


def test_every_snippet_in_c_compiles_against_the_headers():
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "no C compiler"
    command = [compiler, "-x", "c", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror",
               "-Wno-unused", f"-I{ROOT / 'common'}", "-"]
    assert len(snippets_of(CONCEPTS)) > 20
    result = subprocess.run(command, input=translation_unit(CONCEPTS), text=True,
                            capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_no_measured_number_is_typed_into_the_concepts():
    prose = re.sub(r"`[^`]*`", "", prose_of(CONCEPTS.read_text()))
    units = r"\d[\d.,]*\s*(?:[nuµm]?s|[KMG]i?B|bytes|%|times|x)\b"
    assert re.findall(units, prose) == []
