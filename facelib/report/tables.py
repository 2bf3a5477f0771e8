"""Tables: our measured rows beside the printed ones, as data frames, as text and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from facelib.errors import unknown_name
from facelib.papers.failures import failure_note
from facelib.papers.paper import BASELINE, Metric
from facelib.papers.published import PublishedRow, PublishedTable, all_tables
from facelib.report.intervals import Estimates
from facelib.report.markup import to_latex, to_markdown
from facelib.report.records import TierRuns
from facelib.report.style import tier_label
from facelib.runs.records import Record
from facelib.storage import write_text

MARKS = {True: "↑", False: "↓"}
# Columns beside that of a metric, such as "low METRIC": of its spread, and of what it is above a reference row's.
SPREAD, DIFFERENCE = ("sd", "low", "high"), ("difference", "difference low", "difference high")


def comparison(estimates: Estimates, table: str) -> pd.DataFrame:
    """One line a method and origin ("ours", "printed"), in the paper's order, rows of ours alone at the end.

    Args:
        estimates: of a tier; a method without a run keeps its printed line.
        table: number of the table, in Arabic figures, or name of one of ours.

    Returns:
        Columns method, origin, run (what must be said of our runs, such as "as committed"), folds, starts (training
        starts behind a line of ours; none where nothing was trained); of each metric its mean over runs, in the
        table's unit, and "sd ..." over them, "low ..." and "high ..." of the 95 % interval over identities;
        "reference", the method that a line is compared with; and of each main metric the line minus its reference,
        "difference ...", "difference low ..." and so on.

    Raises:
        UnknownName: for a table that the paper has not.
        MissingPart: when no method of any table has a run; the message says which command makes one.
    """
    runs = estimates.runs
    described = _described(runs, table)
    runs.require(runs.paper.tabulated())
    methods = runs.measured(table)
    lines: list[dict[str, Any]] = []
    for row in described.rows:
        if row.method in methods:
            lines.append(_our_line(estimates, described, row.method, row.prefix))
        lines.append(_printed_line(runs, described, row))
    printed = {row.method for row in described.rows}
    lines += [_our_line(estimates, described, name) for name in methods if name not in printed]
    metrics, main = _metrics(runs, described), runs.paper.tables[table].main
    measured = [column for metric in metrics for column in (metric, *(f"{spread} {metric}" for spread in SPREAD))]
    differences = [f"{difference} {metric}" for metric in main for difference in DIFFERENCE]
    ordered = ["method", "origin", "run", "folds", "starts", *measured, "reference", *differences]
    found = {column for line in lines for column in line} or {"method", "origin", "folds", "starts"}
    frame = pd.DataFrame(lines, columns=[column for column in ordered if column in found])
    return frame.astype({"starts": "Int64"})


def caption(runs: TierRuns, table: str) -> str:
    """What stands above a table: its subject, the unit, and that ours and the printed rows differ in data and size."""
    described, paper = _described(runs, table), runs.paper
    main = paper.metrics[paper.tables[table].main[0]]
    head = f"{described.title} (paper {paper.number}), {described.unit}"
    if not main.over_people:
        return f"{head}. Rows 'ours': our networks at full size, at any tier. Rows 'printed': the paper's numbers."
    directions = {paper.metrics[name].direction for name in paper.tables[table].main}
    lower = directions == {"lower"}
    marked = "values" if len(directions) > 1 else "errors" if lower else "rates"
    ours = "; ".join(part for part in (tier_label(runs.tier), runs.shared_mark) if part)
    varied = _varied(runs, table)
    deviation = f"± is the standard deviation over {varied}; " if varied else ""
    references = [paper.method(name).label for name in paper.tables[table].references]
    printed = (
        "Rows 'printed': the paper's numbers on photographs, at full size. The two are not comparable in absolute "
        "terms. "
    )
    return (
        f"{head}{', lower is better' if lower else ''}. Rows 'ours': {ours}. {printed if described.rows else ''}"
        f"{deviation}[ ] is the 95 % interval over identities; ↑ and ↓ mark "
        f"{marked} above and below that of {' or '.join(references)}"
        f"{' of the same input' if len(references) > 1 else ''}, where the paired 95 % interval of the difference "
        "excludes 0."
    )


def readable(runs: TierRuns, table: str, lines: pd.DataFrame) -> pd.DataFrame:
    """The lines of `comparison` as text: "84.5 ± 1.2 [80.1, 88.0] ↓".

    Folds are shown only where there can be several, starts only where a line has several, units only where the table
    has several.
    """
    paper = runs.paper
    shown = lines[["method", "origin", *(["folds"] if paper.folds > 1 else [])]].copy()
    if (lines["starts"] > 1).any():
        shown["starts"] = ["" if pd.isna(count) else str(count) for count in lines["starts"]]
    mixed = len({paper.metrics[name].unit for name in paper.tables[table].main}) > 1
    for name in _metrics(runs, _described(runs, table)):
        metric, main = paper.metrics[name], name in paper.tables[table].main
        if metric.label is not None and name in lines:
            head = f"{metric.label} ({metric.shown_unit})" if mixed else metric.label
            shown[head] = [_cell(line, name, metric, main) for line in lines.to_dict("records")]
    return shown


def systems(paper: str) -> pd.DataFrame:
    """Every method that stands in a table: what it is made of, and in which tables it is printed or stands as ours."""
    from facelib.papers import load_paper

    loaded = load_paper(paper)
    methods = [loaded.methods[name] for name in loaded.tabulated()]
    lines = []
    for method in methods:
        printed, ours = (
            ", ".join(dict.fromkeys(table for table, row in method.printed_rows if bool(row) == is_printed))
            for is_printed in (True, False)
        )
        where = "; ".join([printed] * bool(printed) + [f"ours: {ours}"] * bool(ours))
        lines.append({"method": method.label, **method.describe(), "tables": where})
    return pd.DataFrame(lines).set_index("method")


def table_as_markdown(estimates: Estimates, table: str) -> str:
    """One table with its caption and notes."""
    shown = readable(estimates.runs, table, comparison(estimates, table))
    return to_markdown(shown, caption(estimates.runs, table), _notes(estimates.runs, table))


def write_tables(estimates: Estimates, folder: Path) -> dict[str, pd.DataFrame]:
    """Write table_1.md, table_1.csv, table_1.tex and so on into a folder and give the tables back by number."""
    tables, runs = {}, estimates.runs
    for number in all_tables(runs.paper):
        lines = tables[number] = comparison(estimates, number)
        above, shown = caption(runs, number), readable(runs, number, lines)
        write_text(folder / f"table_{number}.md", to_markdown(shown, above, _notes(runs, number)))
        write_text(folder / f"table_{number}.csv", f"# {above}\n" + lines.to_csv(index=False, float_format="%.3f"))
        write_text(folder / f"table_{number}.tex", to_latex(shown, above))
    return tables


def _described(runs: TierRuns, table: str) -> PublishedTable:
    tables = all_tables(runs.paper)
    if table not in tables:
        raise unknown_name(f"table of {runs.paper.name}", table, tables)
    return tables[table]


def _notes(runs: TierRuns, table: str) -> list[str]:
    """What stands below a table: of the printed numbers, which epoch was kept, what failed, and what is missing."""
    note, methods = _described(runs, table).note, runs.paper.tabulated(table)
    rules = dict.fromkeys(epoch_rule(runs, record) for name in methods for record in runs.records(name))
    epochs = [f"weights of {' or '.join(filter(None, rules))}"] if any(rules) else []
    failures = {runs.label(name): failure_note(runs.records(name), runs.paper.failed_as) for name in methods}
    failed = [f"{label}: {words}" for label, words in failures.items() if words]
    remarks = [f"{runs.label(name)}: {words}" for name in methods for words in _remarks(runs, name)]
    return [*([note] if note else []), *epochs, *failed, *remarks, *runs.missing(methods), *runs.unevaluated(table)]


def epoch_rule(runs: TierRuns, record: Record) -> str:
    """Which epoch's weights a run kept, in words; empty for a baseline."""
    if not record.history:
        return ""
    stage = record.parameters[runs.paper.method(record.method).stage]
    if stage.get("keep", "best") == "last":  # records of before `keep` chose by validation
        return "the last epoch" + (" (moving average)" if stage.get("ema_decay") else "")
    return "the epoch that was best on the validation people"


def _varied(runs: TierRuns, table: str) -> str:
    """What the runs behind one line of a table differ in: "folds", "training starts", both, or nothing."""
    records = [runs.records(name) for name in runs.measured(table)]
    folds = any(len({record.fold for record in of_line}) > 1 for of_line in records)
    starts = any(len({record.seed for record in of_line}) > 1 for of_line in records)
    return " and ".join(["folds"] * folds + ["training starts"] * starts)


def _metrics(runs: TierRuns, described: PublishedTable) -> tuple[str, ...]:
    """Those that the paper prints, and those of ours besides."""
    return (*described.columns, *runs.paper.tables[described.table].more)


def _our_line(estimates: Estimates, described: PublishedTable, name: str, prefix: str = "") -> dict[str, Any]:
    """A method's line; a prefix leads to the metrics of a second row of the same method."""
    runs = estimates.runs
    records = runs.records(name)
    line: dict[str, Any] = {
        "method": _row_label(runs.label(name), prefix) + _origin(runs, described, name),
        "origin": "ours",
        "run": "; ".join(runs.marks(name)),
        "folds": len({record.fold for record in records}),
        "starts": len({record.seed for record in records if record.history}) or None,
    }
    for metric in described.columns if prefix else _metrics(runs, described):
        values = _with_spread(estimates, name, prefix + metric)
        line |= {f"{spread} {metric}".strip(): value for spread, value in values.items()}
    return line | _difference(estimates, described, name, prefix)


def _difference(estimates: Estimates, described: PublishedTable, name: str, prefix: str) -> dict[str, Any]:
    """A line's main metrics minus those of its reference row; nothing where both are not from the same machine."""
    runs, table = estimates.runs, estimates.runs.paper.tables[described.table]
    kind = runs.paper.method(name).input
    reference = next((other for other in table.references if runs.paper.method(other).input == kind), None)
    if reference in (None, name) or reference not in runs.standing:
        return {}
    found: dict[str, Any] = {}
    measured = set.intersection(*(set(record.metrics) for each in (name, reference) for record in runs.records(each)))
    for metric in (metric for metric in table.main if prefix + metric in measured):
        gap = estimates.find(((1.0, name, prefix + metric), (-1.0, reference, prefix + metric)))
        if gap is None or (gap.committed and {name, reference} & estimates.samples.keys()):
            continue
        factor = runs.paper.metrics[metric].factor
        found["reference"] = runs.paper.method(reference).label
        for difference, value in zip(DIFFERENCE, (gap.value, gap.low, gap.high), strict=True):
            found[f"{difference} {metric}"] = value * factor
    return found


def _with_spread(estimates: Estimates, name: str, metric: str) -> dict[str, float]:
    """A metric's mean over runs (under the empty name), deviation and interval, as shown."""
    described, records = estimates.runs.paper.metrics[metric], estimates.runs.records(name)
    values = pd.Series([record.metrics[metric]["value"] for record in records if metric in record.metrics])
    if values.empty:
        return {}
    values *= described.factor
    spread = {"": float(values.mean())}
    if len(values) > 1:
        spread["sd"] = float(values.std(ddof=1))
    estimate = estimates.find(((1.0, name, metric),)) if described.over_people else None
    if estimate is not None and set(estimate.folds) == {record.fold for record in records}:
        spread |= {"low": estimate.low * described.factor, "high": estimate.high * described.factor}
    return spread


def _printed_line(runs: TierRuns, described: PublishedTable, row: PublishedRow) -> dict[str, Any]:
    label = _row_label(runs.paper.method(row.method).label, row.prefix) if row.method else row.row
    printed = {metric: row.values.get(row.prefix + metric) for metric in described.columns}
    values = {metric: value for metric, value in printed.items() if value is not None}
    return {"method": label, "origin": "printed", "folds": runs.paper.folds, "starts": None, **values}


def _row_label(label: str, prefix: str) -> str:
    """Such as "SADRNet", or "SADRNet-fix" of its second row, whose metrics begin with "fix."."""
    return label + (f"-{prefix.rstrip('.')}" if prefix else "")


def _origin(runs: TierRuns, described: PublishedTable, name: str) -> str:
    """What is added to a label of ours beside which this table prints nothing."""
    if not described.rows or name in {row.method for row in described.rows}:
        return ""
    elsewhere = any(printed for _, printed in runs.paper.method(name).printed_rows)
    return f" (ours, not in {'this table' if elsewhere else 'the paper'})"


def _cell(line: dict[str, Any], name: str, metric: Metric, main: bool) -> str:
    """A number as text; of main metrics with interval and mark. Empty where the paper prints nothing."""

    def number(spread: str) -> str:
        value = line[f"{spread} {name}".strip()]
        return f"{value:.{metric.decimals}f}" if metric.over_people else f"{round(value, metric.decimals):g}"

    if pd.isna(line[name]):
        return ""
    text = number("")
    if pd.notna(line.get(f"sd {name}")):
        text += f" ± {number('sd')}"
    if main and pd.notna(line.get(f"low {name}")):
        text += f" [{number('low')}, {number('high')}]"
        low, high = line.get(f"difference low {name}", 0.0), line.get(f"difference high {name}", 0.0)
        if low > 0 or high < 0:  # never of NaN, a line without a difference
            text += f" {MARKS[low > 0]}"
    return text


def _remarks(runs: TierRuns, method: str) -> list[str]:
    """What the paper has to say of the numbers of a method's runs; of a baseline nothing."""
    if runs.paper.method(method).kind == BASELINE:
        return []
    values = ({name: metric["value"] for name, metric in record.metrics.items()} for record in runs.records(method))
    return list(dict.fromkeys(filter(None, map(runs.paper.remark, values))))
