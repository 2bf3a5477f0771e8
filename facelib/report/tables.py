"""Tables: our measured rows beside the printed ones, as data frames and as Markdown, CSV and LaTeX."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from facelib.papers import load_paper
from facelib.papers.published import published_rows
from facelib.report.records import records_of, tabulated_methods
from facelib.report.style import tier_label
from facelib.runs.records import require_metric
from facelib.storage import write_text

PERCENT = 100.0


def comparison(paper: str, tier: str) -> pd.DataFrame:
    """One line a method and origin ("ours", "printed"), one column a metric, in percent.

    Ours is the mean over folds; columns named "sd ..." hold the standard deviation where there are several.

    Raises:
        MissingPart: when a method has no record; the message says which command makes it.
    """
    printed = {row.method: row for row in published_rows(paper) if row.method}
    lines = []
    for name in tabulated_methods(paper):
        method = load_paper(paper).METHODS[name]
        columns = list(printed[name].values)
        records = records_of(paper, tier, name)
        values = pd.DataFrame([{c: require_metric(record, c) * PERCENT for c in columns} for record in records])
        ours = {"method": method.label, "origin": "ours", "folds": len(records), **values.mean().to_dict()}
        if len(records) > 1:
            ours |= {f"sd {column}": deviation for column, deviation in values.std(ddof=1).items()}
        lines += [ours, {"method": method.label, "origin": "printed", "folds": 3, **printed[name].values}]
    return pd.DataFrame(lines)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with short column heads and numbers as "mean ± sd" text of one decimal."""
    columns = [c for c in table.columns if c not in ("method", "origin", "folds") and not c.startswith("sd ")]
    shown = table[["method", "origin", "folds"]].copy()
    for column in columns:
        texts = [f"{value:.1f}" for value in table[column]]
        if f"sd {column}" in table:
            deviations = table[f"sd {column}"]
            texts = [f"{t} ± {d:.1f}" if pd.notna(d) else t for t, d in zip(texts, deviations, strict=True)]
        shown[_head(column)] = texts
    return shown


def caption(paper: str, tier: str) -> str:
    """What stands above every table: the metric, the unit, and that ours and the printed rows differ in data."""
    label = tier_label(tier)
    return (
        f"Paper {load_paper(paper).NUMBER}, percent. Rows 'ours': {label}. Rows 'printed': the paper's numbers on "
        "FaceScape photographs, at full size. The two are not comparable in absolute terms."
    )


def to_markdown(table: pd.DataFrame, above: str) -> str:
    """A Markdown table with its caption above."""
    shown = readable(table)
    head = "| " + " | ".join(shown.columns) + " |"
    rule = "|" + "|".join(" --- " if c in ("method", "origin") else " ---: " for c in shown.columns) + "|"
    body = ["| " + " | ".join(str(value) for value in line) + " |" for line in shown.itertuples(index=False)]
    return "\n".join([above, "", head, rule, *body, ""])


def to_latex(table: pd.DataFrame, above: str) -> str:
    """A LaTeX table (booktabs) with its caption."""
    shown = readable(table)
    columns = "ll" + "r" * (len(shown.columns) - 2)
    lines = [" & ".join(map(_latex, line)) + r" \\" for line in shown.itertuples(index=False)]
    head = " & ".join(map(_latex, shown.columns)) + r" \\"
    opening = [r"\begin{table}", rf"\caption{{{_latex(above)}}}", rf"\begin{{tabular}}{{{columns}}}"]
    closing = [r"\end{tabular}", r"\end{table}", ""]
    return "\n".join([*opening, r"\toprule", head, r"\midrule", *lines, r"\bottomrule", *closing])


def write_tables(paper: str, tier: str, folder: Path) -> pd.DataFrame:
    """Write table.md, table.csv and table.tex into a folder and give the table back."""
    table = comparison(paper, tier)
    above = caption(paper, tier)
    write_text(folder / "table.md", to_markdown(table, above))
    write_text(folder / "table.csv", f"# {above}\n" + table.to_csv(index=False, float_format="%.3f"))
    write_text(folder / "table.tex", to_latex(table, above))
    return table


def _head(column: str) -> str:
    names = {"tar_at_far_1pct": "TAR@1%FAR", "auc": "AUC", "eer": "EER"}
    metric, _, pose = column.partition("/")
    return f"{pose}°" if pose else names.get(metric, metric)


def _latex(value: object) -> str:
    """Text with the characters that LaTeX reads otherwise, or not without further packages, spelt out."""
    text = str(value)
    for character, command in {"%": r"\%", "&": r"\&", "_": r"\_", "±": r"$\pm$", "°": r"$^\circ$"}.items():
        text = text.replace(character, command)
    return text
