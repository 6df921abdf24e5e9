"""A report as a list of blocks, and the same blocks as Markdown. Knows nothing of runs.

Text may hold `code` between backticks and **strong** words; everything else is literal.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Verdict:
    """The answer to a section's question, a sentence or more an item; is_alarm: it must be seen."""

    items: list
    is_alarm: bool = False


@dataclass(frozen=True)
class Bullets:
    items: list


@dataclass(frozen=True)
class Columns:
    """Lists of blocks that stand side by side where there is room."""

    columns: list


@dataclass(frozen=True)
class Contents:
    """Links to all headings that have an anchor; nothing in Markdown."""


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Value:
    """A number in a table: as it is shown, and what it sorts by (None sorts last)."""

    text: str
    number: float | None


@dataclass(frozen=True)
class Table:
    """Rows of str or Value, one for each column; is_stacked: on a narrow page a row is a list."""

    columns: list
    rows: list
    caption: str = ""
    is_stacked: bool = False


@dataclass(frozen=True)
class Picture:
    """A chart by its name in charts/; only: None, or 'wide' or 'narrow' for such pages alone."""

    name: str
    title: str
    caption: str
    is_wide: bool = False
    only: str | None = None


def cell_text(cell):
    return cell.text if isinstance(cell, Value) else cell


def to_markdown(blocks):
    """The blocks as GitHub's Markdown; charts are referred to in charts/."""
    return "\n\n".join(filter(None, (markdown_block(block) for block in blocks))) + "\n"


def markdown_block(block):
    return MARKDOWN[type(block)](block)


def markdown_table(table):
    def line(cells):
        return "| " + " | ".join(cell_text(c).replace("|", "\\|") for c in cells) + " |"
    first = table.rows[0] if table.rows else table.columns
    rule = "|" + "|".join("---:" if isinstance(cell, Value) else "---" for cell in first) + "|"
    lines = [line(table.columns), rule, *(line(row) for row in table.rows)]
    caption = [f"*{table.caption}*", ""] if table.caption else []
    return "\n".join(caption + lines)


def markdown_picture(picture):
    if picture.only == "narrow":
        return ""
    return (f"![{picture.title}](charts/{picture.name}.svg)\n\n"
            f"*{picture.title}.* {picture.caption}")


def markdown_verdict(verdict):
    return "\n>\n".join(f"> {'**Warning.** ' if verdict.is_alarm else ''}{item}"
                        for item in verdict.items)


MARKDOWN = {
    Verdict: markdown_verdict,
    Heading: lambda block: "#" * block.level + " " + block.text,
    Paragraph: lambda block: block.text,
    Bullets: lambda block: "\n".join(f"- {item}" for item in block.items),
    Columns: lambda block: to_markdown([b for column in block.columns for b in column]).strip(),
    Contents: lambda block: "",
    Code: lambda block: f"```sh\n{block.text}\n```",
    Table: markdown_table,
    Picture: markdown_picture,
}
