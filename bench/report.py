"""Figures of several runs as one table a job, in Markdown that is read well as plain text."""

import collections
import statistics

Column = collections.namedtuple("Column", "title field format")


def summary_of(job, runs):
    """Medians of every figure; of the one that is compared also its bounds."""
    found = {field: statistics.median(run[field] for run in runs) for field in runs[0]}
    found["errors"] = sum(run["errors"] for run in runs)
    found["lowest"] = min(run[job.value] for run in runs)
    found["highest"] = max(run[job.value] for run in runs)
    return found


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def row_of(job, name, found, own):
    """`own`: Selvage's median, None when it was not measured."""
    value = found[job.value]
    ratio = f"{own / value:.2f}" if own and value else "-"
    return [name, number(value), f"{number(found['lowest'])} to {number(found['highest'])}", ratio,
            *(column.format.format(found[column.field]) for column in job.columns)]


def table_print(title, job, summaries):
    """`summaries`: figures by peer, or the sentence why there are none."""
    own = summaries.get("selvage")
    own = own[job.value] if isinstance(own, dict) else None
    less = " (less is better)" if job.less_is_better else ""
    rows = [["peer", job.what + less, "lowest to highest", "selvage ÷ peer",
             *(column.title for column in job.columns)]]
    rows += [row_of(job, name, found, own) for name, found in summaries.items() if isinstance(found, dict)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    print(f"\n### {title}\n")
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print(f"| {' | '.join(cells)} |")
    for name, found in summaries.items():
        if not isinstance(found, dict):
            print(f"\n{name} was not measured: {found}")
