"""Tables: our measured rows beside the printed ones, as data frames, as text and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from facelib.errors import unknown_name
from facelib.papers import load_paper
from facelib.papers.metric_words import MetricWords
from facelib.papers.published import PublishedRow, PublishedTable, published_tables
from facelib.report.intervals import Runs, combine, draws_of_methods, missing_runs
from facelib.report.markup import to_latex, to_markdown
from facelib.report.records import find_records, no_runs, tabulated_methods
from facelib.report.style import tier_label
from facelib.runs.records import Record, require_metric, run_command
from facelib.storage import write_text

MARKS = {True: "↑", False: "↓"}
# Columns beside that of a metric, such as "low METRIC": of its spread, and of what it is above a reference row's.
SPREAD, DIFFERENCE = ("sd", "low", "high"), ("difference", "difference low", "difference high")


def comparison(paper: str, tier: str, table: str) -> pd.DataFrame:
    """One line a method and origin ("ours", "printed"), in the paper's order, rows of ours alone at the end.

    Args:
        paper: name.
        tier: of the runs; a method without one keeps its printed line.
        table: number of the table, in Arabic figures.

    Returns:
        Columns method, origin, folds; of each metric its mean over runs, in the table's unit, and "sd ..." over them,
        "low ..." and "high ..." of the 95 % interval over identities; "reference", the method that a line is compared
        with; and of each main metric the line minus its reference, "difference ...", "difference low ..." and so on.

    Raises:
        UnknownName: for a table that the paper has not.
        MissingPart: when no method of any table has a record; the message says which command makes one.
    """
    described = _described(paper, table)
    methods = tabulated_methods(paper, table)
    draws = draws_of_methods(paper, tier, methods)
    _require_a_run(paper, tier)
    lines: list[dict[str, Any]] = []
    for row in described.rows:
        if row.method in draws:
            lines.append(_our_line(paper, tier, described, row.method, draws, row.prefix))
        lines.append(_printed_line(paper, described, row))
    printed = {row.method for row in described.rows}
    lines += [_our_line(paper, tier, described, m, draws) for m in methods if m not in printed and m in draws]
    found = {column for line in lines for column in line}
    return pd.DataFrame(lines, columns=[column for column in _columns(paper, described) if column in found])


def missing(paper: str, tier: str, table: str) -> list[str]:
    """The commands of the runs that a table lacks, with the rows' labels."""
    methods = load_paper(paper).METHODS
    names = [name for name in tabulated_methods(paper, table) if not find_records(paper, tier, name)]
    return [f"{methods[name].label}: no run, `{run_command(paper, name, 0, tier)}`" for name in names]


def caption(paper: str, tier: str, table: str) -> str:
    """What stands above a table: its subject, the unit, and that ours and the printed rows differ in data and size."""
    described, package = _described(paper, table), load_paper(paper)
    words = package.METRIC_WORDS[package.MAIN_METRICS[table][0]]
    head = f"{described.title} (paper {package.NUMBER}), {described.unit}"
    if not words.varies:
        return f"{head}. Rows 'ours': our networks at full size, at any tier. Rows 'printed': the paper's numbers."
    deviation = "± is the standard deviation over folds; " if package.FOLDS > 1 else ""
    references = [package.METHODS[name].label for name in package.REFERENCES[table]]
    return (
        f"{head}{', lower is better' if words.lower_is_better else ''}. Rows 'ours': {tier_label(tier)}. "
        "Rows 'printed': the paper's numbers on photographs, at full size. The two are not comparable in absolute "
        f"terms. {deviation}[ ] is the 95 % interval over identities; ↑ and ↓ mark "
        f"{'errors' if words.lower_is_better else 'rates'} above and below that of {' or '.join(references)}"
        f"{' of the same input' if len(references) > 1 else ''}, where the paired 95 % interval of the difference "
        "excludes 0."
    )


def readable(paper: str, table: str, lines: pd.DataFrame) -> pd.DataFrame:
    """The lines of `comparison` as text: "84.5 ± 1.2 [80.1, 88.0] ↓"; the folds only where there can be several."""
    package = load_paper(paper)
    shown = lines[["method", "origin", *(["folds"] if package.FOLDS > 1 else [])]].copy()
    for metric in _metrics(paper, _described(paper, table)):
        words, main = package.METRIC_WORDS[metric], metric in package.MAIN_METRICS[table]
        if words.head is not None and metric in lines:
            shown[words.head] = [_cell(line, metric, words, main) for line in lines.to_dict("records")]
    return shown


def systems(paper: str) -> pd.DataFrame:
    """Every method that stands in a table: what it is made of, and in which tables."""
    package = load_paper(paper)
    methods = [package.METHODS[name] for name in tabulated_methods(paper)]
    lines = [
        {
            "method": method.label,
            **package.describe(method.name),
            "tables": ", ".join(dict.fromkeys(table if row else f"{table} (ours)" for table, row in method.rows)),
        }
        for method in methods
    ]
    return pd.DataFrame(lines).set_index("method")


def table_as_markdown(paper: str, tier: str, table: str) -> str:
    """One table with its caption and notes."""
    shown = readable(paper, table, comparison(paper, tier, table))
    return to_markdown(shown, caption(paper, tier, table), _notes(paper, tier, table))


def all_tables_as_markdown(paper: str, tier: str) -> str:
    """Every table of a paper, one below the other."""
    return "\n".join(table_as_markdown(paper, tier, table) for table in published_tables(paper))


def write_tables(paper: str, tier: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Write table_1.md, table_1.csv, table_1.tex and so on into a folder and give the tables back by number."""
    tables = {}
    for number in published_tables(paper):
        lines = tables[number] = comparison(paper, tier, number)
        above, shown = caption(paper, tier, number), readable(paper, number, lines)
        write_text(folder / f"table_{number}.md", to_markdown(shown, above, _notes(paper, tier, number)))
        write_text(folder / f"table_{number}.csv", f"# {above}\n" + lines.to_csv(index=False, float_format="%.3f"))
        write_text(folder / f"table_{number}.tex", to_latex(shown, above))
    return tables


def _described(paper: str, table: str) -> PublishedTable:
    tables = published_tables(paper)
    if table not in tables:
        raise unknown_name(f"table of {paper}", table, tables)
    return tables[table]


def _notes(paper: str, tier: str, table: str) -> list[str]:
    """What stands below a table: what to know of the printed numbers, and the commands of missing runs."""
    note = _described(paper, table).note
    return [*([note] if note else []), *missing(paper, tier, table)]


def _require_a_run(paper: str, tier: str) -> None:
    methods = tabulated_methods(paper)
    if not any(find_records(paper, tier, name) for name in methods):
        raise no_runs(paper, tier, methods[0])


def _metrics(paper: str, described: PublishedTable) -> tuple[str, ...]:
    """Those that the paper prints, and those of ours besides."""
    return (*described.columns, *load_paper(paper).MORE_METRICS.get(described.table, ()))


def _columns(paper: str, described: PublishedTable) -> list[str]:
    """All that `comparison` may hold, in order."""
    metrics, main = _metrics(paper, described), load_paper(paper).MAIN_METRICS[described.table]
    measured = [column for metric in metrics for column in (metric, *(f"{spread} {metric}" for spread in SPREAD))]
    differences = [f"{difference} {metric}" for metric in main for difference in DIFFERENCE]
    return ["method", "origin", "folds", *measured, "reference", *differences]


def _our_line(
    paper: str, tier: str, described: PublishedTable, name: str, draws: dict[str, Runs], prefix: str = ""
) -> dict[str, Any]:
    """A method's line; a prefix leads to the metrics of a second row of the same method."""
    records = find_records(paper, tier, name)
    line: dict[str, Any] = {
        "method": _label(paper, name, prefix) + _origin(paper, described, name),
        "origin": "ours",
        "folds": len({record.fold for record in records}),
    }
    for metric in described.columns if prefix else _metrics(paper, described):
        values = _with_spread(paper, records, prefix + metric, draws[name], name)
        line |= {f"{spread} {metric}".strip(): value for spread, value in values.items()}
    reference = load_paper(paper).reference_of(described.table, name)
    if reference not in (None, name) and not missing_runs(paper, tier, draws, (name, reference)):
        line["reference"] = load_paper(paper).METHODS[reference].label
        for metric in load_paper(paper).MAIN_METRICS[described.table]:
            factor = load_paper(paper).METRIC_WORDS[metric].factor
            gap = combine(draws, ((1.0, name, prefix + metric), (-1.0, reference, prefix + metric)))
            for difference, value in zip(DIFFERENCE, (gap.value, gap.low, gap.high), strict=True):
                line[f"{difference} {metric}"] = value * factor
    return line


def _with_spread(paper: str, records: list[Record], metric: str, runs: Runs, name: str) -> dict[str, float]:
    """A metric's mean over runs (under the empty name), deviation and interval, as shown."""
    words = load_paper(paper).METRIC_WORDS[metric]
    values = pd.Series([require_metric(record, metric) * words.factor for record in records])
    spread = {"": float(values.mean())}
    if len(values) > 1:
        spread["sd"] = float(values.std(ddof=1))
    if words.varies:
        estimate = combine({name: runs}, ((1.0, name, metric),))
        spread |= {"low": estimate.low * words.factor, "high": estimate.high * words.factor}
    return spread


def _printed_line(paper: str, described: PublishedTable, row: PublishedRow) -> dict[str, Any]:
    label = _label(paper, row.method, row.prefix) if row.method else row.row
    printed = {metric: row.values.get(row.prefix + metric) for metric in described.columns}
    values = {metric: value for metric, value in printed.items() if value is not None}
    return {"method": label, "origin": "printed", "folds": load_paper(paper).FOLDS, **values}


def _label(paper: str, name: str, prefix: str) -> str:
    """Such as "SADRNet", or "SADRNet-fix" of its second row, whose metrics begin with "fix."."""
    return load_paper(paper).METHODS[name].label + (f"-{prefix.rstrip('.')}" if prefix else "")


def _origin(paper: str, described: PublishedTable, name: str) -> str:
    """What is added to a label of ours beside which this table prints nothing."""
    if name in {row.method for row in described.rows}:
        return ""
    elsewhere = any(printed for _, printed in load_paper(paper).METHODS[name].rows)
    return f" (ours, not in {'this table' if elsewhere else 'the paper'})"


def _cell(line: dict[str, Any], metric: str, words: MetricWords, main: bool) -> str:
    """A number as text; of main metrics with interval and mark. Empty where the paper prints nothing."""

    def number(spread: str) -> str:
        value = line[f"{spread} {metric}".strip()]
        return f"{value:.{words.decimals}f}" if words.varies else f"{round(value, words.decimals):g}"

    if pd.isna(line[metric]):
        return ""
    text = number("")
    if pd.notna(line.get(f"sd {metric}")):
        text += f" ± {number('sd')}"
    if main and pd.notna(line.get(f"low {metric}")):
        text += f" [{number('low')}, {number('high')}]"
        low, high = line.get(f"difference low {metric}", 0.0), line.get(f"difference high {metric}", 0.0)
        if low > 0 or high < 0:  # never of NaN, a line without a difference
            text += f" {MARKS[low > 0]}"
    return text
