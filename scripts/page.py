"""A document's blocks as one HTML file that needs nothing else: styles and script are in it, charts
are embedded as data URIs. Reads at 390 pixels and up; a wide table scrolls in its own box."""

import base64
import re
from html import escape

from document import (Bullets, Code, Columns, Contents, Heading, Paragraph, Picture, Table, Value,
                      Verdict, cell_text)

CSS = """
:root{--ink:#1d2329;--soft:#5a646e;--line:#dde2e6;--back:#fff;--tint:#f5f7f8;--link:#0072b2}
*{box-sizing:border-box}
html{color-scheme:light;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,-apple-system,
 "Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.25rem clamp(.75rem,3vw,2.5rem) 4rem}
h1{font-size:clamp(1.5rem,4.5vw,2.2rem);line-height:1.2;margin:.4rem 0 .6rem}
h2{font-size:1.35rem;margin:3rem 0 .6rem;padding-top:.9rem;border-top:2px solid var(--ink)}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
p,ul{max-width:46rem;margin:.5rem 0}
ul{padding-left:1.2rem}
li{margin:.3rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
nav{font-size:.9rem;margin:.6rem 0 1.2rem}
nav a{display:inline-block;margin:0 .9rem .25rem 0}
code{font:.86em ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;background:var(--tint);
 padding:.08em .25em;border-radius:3px;overflow-wrap:anywhere}
pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;
 overflow-x:auto;font-size:.92rem}
pre code{background:none;padding:0;overflow-wrap:normal}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1rem 2rem}
figure{margin:.8rem 0;min-width:0}
figure.wide{grid-column:1/-1}
figure img{display:block;width:100%;height:auto;max-width:34rem}
figure.wide img{max-width:52rem}
figure.answer img{max-width:70rem}
.frame{overflow-x:auto}
@media (max-width:44rem){figure.wide:not(.narrow) img{min-width:36rem}}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 2.5rem}
figcaption{font-size:.86rem;color:var(--soft);max-width:46rem;margin-top:.35rem;overflow-wrap:anywhere}
figcaption b{display:block;color:var(--ink);font-size:.95rem}
.narrow{display:none}
@media (max-width:44rem){.narrow{display:block}.only-wide{display:none}}
.table{overflow-x:auto;border:1px solid var(--line);border-radius:6px;margin:.7rem 0 1.2rem;
 max-height:36rem}
.title{font-weight:600;margin-top:1.2rem}
.verdict{border-left:4px solid var(--link);background:var(--tint);padding:.35rem .9rem;margin:.8rem 0;
 max-width:60rem;overflow-wrap:anywhere}
.verdict p{max-width:none;margin:.35rem 0}
.alarm{border-left:8px double #b00020;font-weight:600}
.stacked{max-height:none}
@media (max-width:44rem){
.stacked thead{display:none}
.stacked table,.stacked tbody,.stacked tr,.stacked td{display:block;width:auto;max-width:none}
.stacked td{border:0;padding:.1rem .7rem;text-align:left}
.stacked tr{border-bottom:1px solid var(--line);padding:.45rem 0}
.stacked td::before{content:attr(data-label) ": ";color:var(--soft)}
.stacked td:first-child{font-weight:600}
.stacked td:first-child::before{content:""}
}
table{border-collapse:collapse;font-size:.86rem;line-height:1.4;width:100%}
th,td{padding:.3rem .65rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
td{min-width:4rem;max-width:30rem}
td.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.long{min-width:14rem;overflow-wrap:anywhere}
tbody tr:last-child td{border-bottom:0}
tbody tr:hover{background:var(--tint)}
th{position:sticky;top:0;background:var(--tint);padding:0}
th button{all:unset;box-sizing:border-box;width:100%;padding:.35rem .65rem;cursor:pointer;
 font-weight:600;min-width:4.5rem}
th.number button{text-align:right}
th button:focus-visible{outline:2px solid var(--link);outline-offset:-2px}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
@media print{.table{overflow:visible;max-height:none}th{position:static}}
"""

SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(h => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = key(a), y = key(b);
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows);
  }));
}
"""

LONG_CELL = 32  # characters above which a cell of text gets room and may break anywhere


def to_html(blocks, charts, title):
    """The page. `charts` is the folder that holds <name>.svg of every Picture."""
    body = "\n".join(html_group(group, charts, blocks) for group in group_pictures(blocks))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{CSS}</style></head>\n"
            f"<body><main>\n{body}\n</main>\n<script>{SCRIPT}</script></body></html>\n")


def group_pictures(blocks):
    """Lists of blocks: pictures that follow one another together, any other alone."""
    groups = []
    for block in blocks:
        if isinstance(block, Picture) and groups and isinstance(groups[-1][0], Picture):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def html_group(group, charts, blocks):
    if isinstance(group[0], Picture):
        figures = "\n".join(html_picture(picture, charts) for picture in group)
        return f'<div class="figures">\n{figures}\n</div>'
    if isinstance(group[0], Contents):
        return html_contents(blocks)
    return html_block(group[0])


def html_contents(blocks):
    """Links to the sections."""
    links = [f'<a href="#{escape(b.anchor)}">{escape(b.text)}</a>' for b in blocks
             if isinstance(b, Heading) and b.anchor]
    return f"<nav>{''.join(links)}</nav>"


def html_picture(picture, charts):
    data = base64.b64encode((charts / f"{picture.name}.svg").read_bytes()).decode()
    classes = " ".join(filter(None, (
        "wide" if picture.is_wide else "", "answer" if picture.only == "wide" else "",
        {"wide": "only-wide", "narrow": "narrow"}.get(picture.only, ""))))
    return (f'<figure class="{classes}"><div class="frame"><img alt="{escape(picture.title)}" '
            f'src="data:image/svg+xml;base64,{data}"></div>'
            f"<figcaption><b>{escape(picture.title)}</b>{inline(picture.caption)}</figcaption>"
            "</figure>")


def inline(text):
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)


def html_block(block):
    return HTML[type(block)](block)


def html_heading(block):
    anchor = f' id="{escape(block.anchor)}"' if block.anchor else ""
    return f"<h{block.level}{anchor}>{inline(block.text)}</h{block.level}>"


def html_table(table):
    first = table.rows[0] if table.rows else table.columns
    head = "".join(f'<th scope="col"{number_class(cell)}><button type="button">{escape(c)}</button>'
                   "</th>" for c, cell in zip(table.columns, first))
    rows = "\n".join("<tr>" + "".join(html_cell(c, name) for c, name in zip(row, table.columns)) +
                     "</tr>" for row in table.rows)
    caption = f'<p class="title">{inline(table.caption)}</p>\n' if table.caption else ""
    kind = "table stacked" if table.is_stacked else "table"
    return (f'{caption}<div class="{kind}" tabindex="0"><table><thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>")


def number_class(cell):
    return ' class="number"' if isinstance(cell, Value) else ""


def html_cell(cell, column):
    """`column` is its head, which a stacked table shows beside it."""
    label = f' data-label="{escape(column)}"'
    if isinstance(cell, Value):
        sort = "" if cell.number is None else f"{cell.number:.12g}"
        return f'<td{number_class(cell)}{label} data-sort="{sort}">{escape(cell.text)}</td>'
    kind = ' class="long"' if len(cell_text(cell)) > LONG_CELL else ""
    return f"<td{kind}{label}>{inline(cell)}</td>"


def html_verdict(block):
    kind = "verdict alarm" if block.is_alarm else "verdict"
    return f'<div class="{kind}">' + "".join(f"<p>{inline(item)}</p>" for item in block.items) + "</div>"


def html_bullets(block):
    return "<ul>\n" + "\n".join(f"<li>{inline(item)}</li>" for item in block.items) + "\n</ul>"


def html_columns(block):
    columns = ("\n".join(html_block(inner) for inner in column) for column in block.columns)
    return '<div class="columns">' + "".join(f"<div>{column}</div>" for column in columns) + "</div>"


HTML = {
    Heading: html_heading,
    Paragraph: lambda block: f"<p>{inline(block.text)}</p>",
    Bullets: html_bullets,
    Verdict: html_verdict,
    Columns: html_columns,
    Code: lambda block: f"<pre><code>{escape(block.text, quote=False)}</code></pre>",
    Table: html_table,
}
