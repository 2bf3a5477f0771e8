"""Tables: our measured rows beside the printed ones, as data frames and as Markdown, CSV and LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from facelib.errors import MissingPart, unknown_name
from facelib.papers import load_paper
from facelib.papers.published import PublishedRow, PublishedTable, published_tables
from facelib.report.intervals import Runs, combine, draws_of_methods, missing_runs
from facelib.report.records import find_records, tabulated_methods
from facelib.report.style import tier_label
from facelib.runs.records import Record, require_metric, run_command
from facelib.storage import write_text

PERCENT = 100.0
POOLED, RANK1 = "tar_at_far_1pct", "rank1"
MARKS = {True: "↑", False: "↓"}


def comparison(paper: str, tier: str, table: str) -> pd.DataFrame:
    """One line a method and origin ("ours", "printed"), in the paper's order, rows of ours alone at the end.

    Args:
        paper: name.
        tier: of the runs; a method without one keeps its printed line.
        table: number of the table, in Arabic figures.

    Returns:
        Columns method, origin, folds; of each metric its mean over runs, in percent, and "sd ..." over them, "low ..."
        and "high ..." of the 95 % interval over identities; and the pooled rate minus that of a reference row:
        "reference", "difference", "difference low", "difference high".

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
            lines.append(_our_line(paper, tier, described, row.method, draws))
        lines.append(_printed_line(paper, row))
    printed = {row.method for row in described.rows}
    lines += [_our_line(paper, tier, described, m, draws) for m in methods if m not in printed and m in draws]
    return pd.DataFrame(lines)


def missing(paper: str, tier: str, table: str) -> list[str]:
    """The commands of the runs that a table lacks, with the rows' labels."""
    methods = load_paper(paper).METHODS
    names = [name for name in tabulated_methods(paper, table) if not find_records(paper, tier, name)]
    return [f"{methods[name].label}: no run, `{run_command(paper, name, 0, tier)}`" for name in names]


def caption(paper: str, tier: str, table: str) -> str:
    """What stands above a table: its subject, the unit, and that ours and the printed rows differ in data and size."""
    described, package = _described(paper, table), load_paper(paper)
    references = " or ".join(package.METHODS[name].label for name in package.REFERENCES[table])
    return (
        f"{described.title} (paper {package.NUMBER}), percent. Rows 'ours': {tier_label(tier)}. Rows 'printed': the "
        "paper's numbers on photographs, at full size. The two are not comparable in absolute terms. ± is the standard "
        "deviation over folds; [ ] is the 95 % interval over identities; ↑ and ↓ mark rates above and below that of "
        f"{references} of the same input, where the paired 95 % interval of the difference excludes 0."
    )


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The printed columns with short heads, numbers as text of one decimal: "84.5 ± 1.2 [80.1, 88.0] ↓"."""
    shown = table[["method", "origin", "folds"]].copy()
    for column in _metrics(table):
        if column.rpartition(".")[2] != RANK1:  # the paper prints none; the CSV file holds it
            shown[_head(column)] = [_cell(line, column) for line in table.to_dict("records")]
    return shown


def systems(paper: str) -> pd.DataFrame:
    """Every method of a paper but the pretrainings: what it is made of, and in which tables it stands."""
    lines = [
        {
            "method": method.label,
            "judged on": "clouds" if method.kind == "cloud" else "images",
            "backbone": method.backbone,
            "clouds from": method.clouds or "",
            "terms": ", ".join(method.adaptation),
            "tables": ", ".join(table if row else f"{table} (ours)" for table, row in method.rows),
        }
        for method in load_paper(paper).METHODS.values()
        if method.kind != "pretraining"
    ]
    return pd.DataFrame(lines).set_index("method")


def to_markdown(table: pd.DataFrame, above: str, below: list[str] | None = None) -> str:
    """A Markdown table with its caption above and notes below."""
    shown = readable(table)
    head = "| " + " | ".join(shown.columns) + " |"
    rule = "|" + "|".join(" --- " if c in ("method", "origin") else " ---: " for c in shown.columns) + "|"
    body = ["| " + " | ".join(str(value) for value in line) + " |" for line in shown.itertuples(index=False)]
    notes = ["", *(f"- {note}" for note in below)] if below else []
    return "\n".join([above, "", head, rule, *body, *notes, ""])


def to_latex(table: pd.DataFrame, above: str) -> str:
    """A LaTeX table (booktabs) with its caption."""
    shown = readable(table)
    columns = "ll" + "r" * (len(shown.columns) - 2)
    lines = [" & ".join(map(_latex, line)) + r" \\" for line in shown.itertuples(index=False)]
    head = " & ".join(map(_latex, shown.columns)) + r" \\"
    opening = [r"\begin{table}", rf"\caption{{{_latex(above)}}}", rf"\begin{{tabular}}{{{columns}}}"]
    closing = [r"\end{tabular}", r"\end{table}", ""]
    return "\n".join([*opening, r"\toprule", head, r"\midrule", *lines, r"\bottomrule", *closing])


def table_as_markdown(paper: str, tier: str, table: str) -> str:
    """One table with its caption and what is missing."""
    return to_markdown(comparison(paper, tier, table), caption(paper, tier, table), missing(paper, tier, table))


def all_tables_as_markdown(paper: str, tier: str) -> str:
    """Every table of a paper, one below the other."""
    return "\n".join(table_as_markdown(paper, tier, table) for table in published_tables(paper))


def write_tables(paper: str, tier: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Write table_1.md, table_1.csv, table_1.tex and so on into a folder and give the tables back by number."""
    tables = {}
    for number in published_tables(paper):
        table = tables[number] = comparison(paper, tier, number)
        above = caption(paper, tier, number)
        write_text(folder / f"table_{number}.md", to_markdown(table, above, missing(paper, tier, number)))
        write_text(folder / f"table_{number}.csv", f"# {above}\n" + table.to_csv(index=False, float_format="%.3f"))
        write_text(folder / f"table_{number}.tex", to_latex(table, above))
    return tables


def _described(paper: str, table: str) -> PublishedTable:
    tables = published_tables(paper)
    if table not in tables:
        raise unknown_name(f"table of {paper}", table, tables)
    return tables[table]


def _require_a_run(paper: str, tier: str) -> None:
    methods = tabulated_methods(paper)
    if not any(find_records(paper, tier, name) for name in methods):
        raise MissingPart(
            f"no run of {paper} at the {tier} tier: make one with `{run_command(paper, methods[0], 0, tier)}`, "
            f"or all with `facelib reproduce --paper {paper} --tier {tier}`"
        )


def _our_line(paper: str, tier: str, described: PublishedTable, name: str, draws: dict[str, Runs]) -> dict[str, Any]:
    method = load_paper(paper).METHODS[name]
    ours_alone = name not in {row.method for row in described.rows}
    records = find_records(paper, tier, name)
    line: dict[str, Any] = {
        "method": method.label + (" (ours, not in the paper)" if ours_alone else ""),
        "origin": "ours",
        "folds": len({record.fold for record in records}),
    }
    for metric in (*described.columns, _beside_pooled(described, RANK1)):
        line |= _with_spread(records, name, metric, draws)
    reference = _reference(paper, described.table, name)
    if reference not in (None, name) and not missing_runs(paper, tier, draws, (name, reference)):
        pooled = _beside_pooled(described, POOLED)
        gap = combine(draws, ((1.0, name, pooled), (-1.0, reference, pooled)))
        label = load_paper(paper).METHODS[reference].label
        line |= {"reference": label, "difference": gap.value * PERCENT}
        line |= {"difference low": gap.low * PERCENT, "difference high": gap.high * PERCENT}
    return line


def _with_spread(records: list[Record], name: str, metric: str, draws: dict[str, Runs]) -> dict[str, float]:
    values = pd.Series([require_metric(record, metric) * PERCENT for record in records])
    estimate = combine(draws, ((1.0, name, metric),))
    spread = {f"sd {metric}": float(values.std(ddof=1))} if len(values) > 1 else {}
    interval = {f"low {metric}": estimate.low * PERCENT, f"high {metric}": estimate.high * PERCENT}
    return {metric: float(values.mean()), **spread, **interval}


def _printed_line(paper: str, row: PublishedRow) -> dict[str, Any]:
    label = load_paper(paper).METHODS[row.method].label if row.method else row.row
    return {"method": label, "origin": "printed", "folds": 3, **row.values}


def _beside_pooled(described: PublishedTable, metric: str) -> str:
    """A metric's name with the prefix of the data set that the table is about."""
    (pooled,) = [column for column in described.columns if column.rpartition(".")[2] == POOLED]
    return pooled.removesuffix(POOLED) + metric


def _reference(paper: str, table: str, name: str) -> str | None:
    """The reference row of the same input: clouds are compared with clouds."""
    package = load_paper(paper)
    clouds = package.METHODS[name].kind == "cloud"
    return next((r for r in package.REFERENCES[table] if (package.METHODS[r].kind == "cloud") == clouds), None)


def _metrics(table: pd.DataFrame) -> list[str]:
    others = ("sd ", "low ", "high ", "difference")
    return [
        c for c in table.columns if c not in ("method", "origin", "folds", "reference") and not c.startswith(others)
    ]


def _cell(line: dict[str, Any], column: str) -> str:
    text = f"{line[column]:.1f}"
    if pd.notna(line.get(f"sd {column}")):
        text += f" ± {line[f'sd {column}']:.1f}"
    if column.rpartition(".")[2] == POOLED and pd.notna(line.get(f"low {column}")):
        text += f" [{line[f'low {column}']:.1f}, {line[f'high {column}']:.1f}]"
        low, high = line.get("difference low", 0.0), line.get("difference high", 0.0)
        if low > 0 or high < 0:  # never of NaN, a line without a difference
            text += f" {MARKS[low > 0]}"
    return text


def _head(column: str) -> str:
    names = {POOLED: "TAR@1%FAR", "auc": "AUC", "eer": "EER"}
    metric, _, pose = column.rpartition(".")[2].partition("/")
    if pose:
        return f"{pose}°" if pose[0].isdigit() else pose
    return names.get(metric, metric)


def _latex(value: object) -> str:
    """Text with the characters that LaTeX reads otherwise, or not without further packages, spelt out."""
    text = str(value)
    spelt = {
        "%": r"\%",
        "&": r"\&",
        "_": r"\_",
        "±": r"$\pm$",
        "°": r"$^\circ$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
    }
    for character, command in spelt.items():
        text = text.replace(character, command)
    return text
