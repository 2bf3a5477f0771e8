"""Tables of text as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

LEFT = ("method", "origin")  # columns of words; numbers stand to the right
LATEX = {
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def to_markdown(shown: pd.DataFrame, above: str, below: Sequence[str] = ()) -> str:
    """A Markdown table with its caption above and notes below."""
    head = "| " + " | ".join(shown.columns) + " |"
    rule = "|" + "|".join(" --- " if column in LEFT else " ---: " for column in shown.columns) + "|"
    body = ["| " + " | ".join(str(value) for value in line) + " |" for line in shown.itertuples(index=False)]
    notes = ["", *(f"- {note}" for note in below)] if below else []
    return "\n".join([above, "", head, rule, *body, *notes, ""])


def to_latex(shown: pd.DataFrame, above: str) -> str:
    """A LaTeX table (booktabs) with its caption."""
    columns = "".join("l" if column in LEFT else "r" for column in shown.columns)
    lines = [" & ".join(map(_latex, line)) + r" \\" for line in shown.itertuples(index=False)]
    head = " & ".join(map(_latex, shown.columns)) + r" \\"
    opening = [r"\begin{table}", rf"\caption{{{_latex(above)}}}", rf"\begin{{tabular}}{{{columns}}}"]
    closing = [r"\end{tabular}", r"\end{table}", ""]
    return "\n".join([*opening, r"\toprule", head, r"\midrule", *lines, r"\bottomrule", *closing])


def _latex(value: object) -> str:
    """Text with the characters that LaTeX reads otherwise, or not without further packages, spelt out."""
    text = str(value)
    for character, command in LATEX.items():
        text = text.replace(character, command)
    return text
