"""A plotly figure together with a still picture of it, which pages without scripts show instead."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelib.storage import write_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class InteractivePicture:
    """A figure to play with; a page that cannot run scripts shows the still picture.

    Args:
        figure: of plotly.
        png: a still picture of the same.
        text: what stands where neither can be shown.
    """

    figure: go.Figure
    png: bytes
    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """All forms for Jupyter, which takes the richest that it can show."""
        return {
            "application/vnd.plotly.v1+json": json.loads(self.figure.to_json()),
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.text,
        }


def still_png(figure: Figure, dpi: int) -> bytes:
    """A matplotlib figure as a PNG file's content; the figure is closed."""
    import matplotlib.pyplot as plt

    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=dpi, bbox_inches="tight")
    plt.close(figure)
    return written.getvalue()


def write_page(picture: InteractivePicture, path: Path) -> Path:
    """Write a page that needs neither network nor other files (about 5 MB, plotly.js inside)."""
    write_text(path, picture.figure.to_html(include_plotlyjs=True, full_html=True))
    return path
