"""The report: its questions in their order, each with its verdict, then all that they rest on. Every
number is from the rows."""

import appendix
import cells as rows_of
import reconcile
import situations
from blocking_section import blocking_section
from certainty import noise_section
from cost_section import cost_section
from document import Contents, Heading, Paragraph, Table, Verdict
from ladder_section import changes_section
from load import dig
from scale_section import scale_section
from tax_section import tax_section
from textbook import cores_section
from units import percent_text, plural
from waits_section import fetch_section, waiting_section


def build_document(run, found, pictures):
    """All blocks of the report of a run, first screen first; `found` is findings.Findings, `pictures`
    {section: [document.Picture]}."""
    def of(*names):
        return [picture for name in names for picture in pictures.get(name, ())]

    core = [c for c in found.comparisons if c.workload in rows_of.CORE_WORKLOADS]
    return [
        *answer_section(run, found, of("answer")),
        *cost_section(found.families, found.comparisons, found.textbook, of("ledger", "memory")),
        *scale_section(found.families, found.cells, found.trends, of("time"), of("chain")),
        *waiting_section(found.families, core, found.open_loop, of("waiting")),
        *fetch_section(found.families, found.comparisons, found.open_loop, found.textbook, of("fetch")),
        *blocking_section(found.cases, found.textbook, found.comparisons, of("blocking")),
        *cores_section(found.textbook, found.comparisons, of("cores")),
        *tax_section(found.taxes, of("tax")),
        *changes_section(found.ladders, found.trends, of("changes"), of("crossover")),
        *noise_section(run, found.pairs, of("noise")),
        *appendix.left_out_section(run, found.cells),
        *appendix.comparison_section(found.comparisons),
        *appendix.witness_section(run),
        *appendix.environment_section(run),
        *appendix.method_section(),
        *appendix.reproduce_section(run, found.comparisons),
    ]


def answer_section(run, found, pictures):
    """The first screen."""
    return [Heading(1, "Threads or async?"), *alarm_blocks(run), Paragraph(summary(run)),
            Heading(2, "1. What should I use?", "answer"), *situation_blocks(found), *pictures,
            Contents()]


def alarm_blocks(run):
    """What must be known before any number is believed."""
    bad = [a for a in reconcile.accounts(run) if a.problem]
    if not bad:
        return []
    return [Verdict([f"The outside witness does not agree in {plural(len(bad), 'cell')}. "
                     + appendix.bound_text(),
                     *(f"`{a.model_spec} {a.spec}`: {a.problem}." for a in bad)], is_alarm=True)]


def situation_blocks(found):
    rows = situations.find_situations(found.comparisons, found.trends, found.cases)
    known = [s for s in rows if not s.plan]
    blocks = [Table(["situation", "use", "by how much", "holds for"],
                    [[s.name, f"**{s.use}**", s.why_briefly, s.holds] for s in known],
                    is_stacked=True)] if known else [
        Paragraph("No spec was run by `async` and another model: nothing to compare.")]
    plans = {}
    for s in rows:
        if s.plan:
            plans.setdefault(s.plan, []).append(s.name.lower())
    if known:
        blocks.append(Paragraph(
            "A row is put together from the run's verdicts: first what is waited for (time), then what is "
            f"used up (CPU, memory); a difference below {percent_text(situations.DECISIVE - 1)} decides "
            "nothing."))
    return blocks + [Paragraph("Not in this run: " + "; ".join(
        f"{', '.join(names)} (`make bench PLAN={plan}`)" for plan, names in plans.items()) + "."
        )] * bool(plans)


def summary(run):
    """What was run, on which machine, and how it ended, in two sentences."""
    counts = status_counts(run.rows)
    ended = ", ".join(f"{count} {status}" for status, count in counts.items())
    rounds = len({row["round"] for row in run.rows})
    plan = dig(run.plan, "name")
    where = machine(run.environment)
    return (f"Run `{run.name}`" + (f" of plan `{plan}`" if plan else "") +
            f"{where}: {plural(rounds, 'round')}, {plural(len(run.rows), 'trial')} "
            f"({ended}). The same workload function runs in every model; each trial is a fresh "
            "process; ratios are paired within rounds.")


def machine(environment):
    """' on <CPU>, N cores, <kernel>' as far as the environment tells."""
    cores = dig(environment, "cpu", "cores")
    found = [dig(environment, "cpu", "model"), plural(cores, "core") if cores else None,
             dig(environment, "kernel")]
    found = [str(part) for part in found if part]
    return f" on {', '.join(found)}" if found else ""


def status_counts(rows):
    """{status: count} of the statuses that occur, ok first."""
    counts = {}
    for row in sorted(rows, key=lambda row: row["status"] != "ok"):
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return counts
