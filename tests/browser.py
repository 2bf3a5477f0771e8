"""A page as a browser without a screen shows it, with WebGL drawn in software."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def screenshot(page: Path, folder: Path, width: int = 800, height: int = 700) -> np.ndarray:
    """The page after its scripts have run.

    Args:
        page: an HTML file.
        folder: for the browser's own files and the picture.
        width, height: of the window in pixels.

    Returns:
        (height, width, 3) in [0, 1].
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    picture = folder / "screenshot.png"
    subprocess.run(
        [
            *(
                browser,
                "--headless=new",
                "--no-sandbox",
                *SOFTWARE_GL,
                "--hide-scrollbars",
                "--virtual-time-budget=20000",
            ),
            *(f"--user-data-dir={folder / 'browser'}", f"--window-size={width},{height}", f"--screenshot={picture}"),
            page.resolve().as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return matplotlib.image.imread(picture)[..., :3]
