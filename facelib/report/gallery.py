"""The pictures of one notebook: written where they belong, or shown as they were committed.

Pictures of single samples need scores and weights, which are not committed. In a fresh clone the committed pictures are
shown; and while some runs of a tier are committed ones only, new pictures, which lack these, go beside the runs and
leave the committed ones alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from facelib.report.manifest import figures_folder, save_figure
from facelib.report.records import TierRuns
from facelib.runs.folders import runs_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Gallery:
    """Where a notebook's pictures go.

    Args:
        runs: that the pictures show.
        output: folder of the pictures; by default that of the tier, or one beside the runs (`folder`).
        notebook: name of the notebook.
    """

    def __init__(self, runs: TierRuns, output: str = "", notebook: str = "figures") -> None:
        self.home = figures_folder(runs.paper.folder, runs.tier)
        self.is_committed = runs.tier != runs.paper.smallest_tier  # the smallest tier's pictures are not
        self.tier = runs.tier
        self.notebook = f"notebooks/{runs.paper.folder}/{notebook}.ipynb"
        partial = any(status.state == "committed" for each in runs.standing.values() for status in each)
        beside_runs = runs_folder() / runs.paper.name / runs.tier / "figures"
        self.folder = Path(output) if output else (beside_runs if partial else self.home)

    def save(
        self,
        figure: Figure,
        data: pd.DataFrame,
        name: str,
        further: Mapping[str, pd.DataFrame] | None = None,
        **parameters: object,
    ) -> None:
        """Write a picture with its numbers, and show it.

        Args:
            figure, data, name, further: as of `save_figure`.
            parameters: that make it again.
        """
        import matplotlib.pyplot as plt

        path = save_figure(
            figure, data, self.folder, name, notebook=self.notebook, tier=self.tier, parameters=parameters,
            further=further, dpi=None if self.is_committed else figure.dpi,  # for a screen: sooner written
        )  # fmt: skip
        plt.close(figure)  # or the notebook would draw it once more
        _show(path)

    def drawn(self, name: str, data: pd.DataFrame, draw: Callable[[pd.DataFrame], Figure]) -> pd.DataFrame:
        """Draw and save a picture of these numbers, or show the committed one where there are none.

        Returns:
            The numbers that are shown.
        """
        if len(data):
            self.save(draw(data), data, name)
            return data
        self.show_committed(name)
        return self.committed_numbers(name)

    def show_committed(self, *names: str) -> None:
        """Show pictures as they were committed; say so where there are none."""
        from IPython.display import Markdown, display

        for name in names:
            path = self.home / f"{name}.png"
            if self.is_committed and path.exists():
                display(Markdown("As committed: the runs behind this picture are not on this machine."))
                _show(path)
            else:
                print(f"{name}: its runs are missing, and no picture was committed")

    def committed_numbers(self, name: str) -> pd.DataFrame:
        """The numbers of a committed picture; none where it was not committed."""
        import pandas as pd

        path = self.home / f"{name}.csv"
        return pd.read_csv(path) if self.is_committed and path.exists() else pd.DataFrame()


def _show(path: Path) -> None:
    """Show a picture as large as matplotlib would in a notebook, or as it is where it does not say its resolution."""
    import matplotlib as mpl
    from IPython.display import Image, display
    from PIL import Image as Picture

    usual = mpl.rcParams["figure.dpi"]
    with Picture.open(path) as picture:
        dpi, _ = picture.info.get("dpi", (usual, usual))
        width = picture.width * usual / dpi
    display(Image(path, width=round(width)))
