"""Pictures on disk: PNG and PDF, their source data, and a line in the manifest on where they come from.

The repository keeps them, so they are small: PNG files have a palette, and PDF files hold photographs with the pixels
and colours that print shows, and thousands of marks as one image. The same figure gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import facelib
from facelib.report.style import stamp, tier_label
from facelib.runs.folders import project_folder
from facelib.storage import atomic_path, read_json, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

PNG_COLOURS, PDF_COLOURS = (256, 128), 128  # of a whole picture, fewer where it is large, and of a photograph in one
LARGE = 400_000  # bytes of a PNG file
PDF_PIXELS = 120  # of a photograph, per inch
MANY_MARKS = 5000  # that are drawn as an image in a PDF file


def figures_folder(paper_folder: str, tier: str) -> Path:
    """Where the tables and pictures of a paper's tier lie."""
    return project_folder() / "figures" / paper_folder / tier


def save_figure(
    figure: Figure,
    data: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    notebook: str,
    tier: str,
    parameters: dict[str, object],
    further: Mapping[str, pd.DataFrame] | None = None,
    dpi: float | None = None,
) -> Path:
    """Stamp a figure with its tier and write name.png, name.pdf, name.csv and its manifest line.

    Args:
        figure: to write.
        data: the numbers that it shows.
        folder: of the tier's pictures.
        name: of the files, without ending.
        notebook: that made it, relative to the repository.
        tier: of the runs that it shows.
        parameters: that make it again.
        further: more numbers, each written to name_<key>.csv.
        dpi: as of `write_figure`.

    Returns:
        The PNG's path.
    """
    origin = {"notebook": notebook, "tier": tier, "parameters": parameters}
    path = write_figure(figure, data, folder, name, label=tier_label(tier), origin=origin, dpi=dpi)
    for key, numbers in (further or {}).items():
        _write_numbers(folder / f"{name}_{key}.csv", numbers)
    return path


def write_figure(
    figure: Figure,
    data: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    label: str,
    origin: Mapping[str, object],
    dpi: float | None = None,
) -> Path:
    """Stamp a figure with a label and write name.png, name.pdf, name.csv and its manifest line.

    Args:
        figure, data, folder, name: as `save_figure`.
        label: written below the picture.
        origin: what the manifest says of where it comes from; the version is added.
        dpi: of the PNG file; that of print by default.

    Returns:
        The PNG's path.

    Raises:
        CorruptFile: when the manifest is damaged; nothing is written then.
    """
    path, remedy = folder / "manifest.json", "delete it, and make the pictures of its folder again"
    manifest = read_json(path, remedy) if path.exists() else {}
    stamp(figure, label)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # or each file, drawn twice, would find the places of all axes twice more
    with atomic_path(folder / f"{name}.png") as temporary:
        _write_png(figure, temporary, dpi)
    with atomic_path(folder / f"{name}.pdf") as temporary:
        _write_pdf(figure, temporary)
    _write_numbers(folder / f"{name}.csv", data)
    manifest[name] = {**origin, "version": facelib.__version__}
    write_json(path, dict(sorted(manifest.items())))
    return folder / f"{name}.png"


def _write_png(figure: Figure, path: Path, dpi: float | None) -> None:
    """With a palette, unless that takes more room."""
    figure.savefig(path, format="png", dpi=dpi)
    with Image.open(path) as picture:
        drawn, written_dpi = picture.convert("RGB"), picture.info["dpi"]
    for colours in PNG_COLOURS:
        written = io.BytesIO()
        _with_palette(drawn, colours).save(written, format="png", optimize=True, dpi=written_dpi)
        if written.tell() <= LARGE:
            break
    if written.tell() < path.stat().st_size:
        path.write_bytes(written.getvalue())


def _write_pdf(figure: Figure, path: Path) -> None:
    from matplotlib.collections import Collection

    for marks in figure.findobj(Collection):
        if max(len(marks.get_offsets()), len(marks.get_paths())) > MANY_MARKS:  # type: ignore[attr-defined, arg-type]
            marks.set_rasterized(True)
    with _light_photographs(figure):
        figure.savefig(path, format="pdf", metadata={"CreationDate": None})


def _with_palette(picture: Image.Image, colours: int) -> Image.Image:
    """An RGB picture with its own palette, not dithered, as noise takes room."""
    # Median cut alone turns small red lips brown. The mean colours that follow need not settle to the last pixel.
    settled = picture.width * picture.height // 20
    return picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=settled, dither=Image.Dither.NONE)


@contextmanager
def _light_photographs(figure: Figure) -> Iterator[None]:
    """Give each RGB image of a drawn figure no more pixels and colours than a PDF file shall hold, and take it back."""
    from matplotlib.image import AxesImage

    photographs = [image for image in figure.findobj(AxesImage) if getattr(image.get_array(), "shape", ())[2:] == (3,)]
    before = [(image.get_array(), image.get_interpolation()) for image in photographs]
    for image in photographs:
        _lighten(image, figure.dpi)
    try:
        yield
    finally:
        for image, (pixels, interpolation) in zip(photographs, before, strict=True):
            image.set_data(pixels)
            image.set_interpolation(interpolation)


def _lighten(image: AxesImage, dpi: float) -> None:
    pixels = np.asarray(image.get_array())
    if pixels.dtype != np.uint8:
        pixels = (255 * pixels.clip(0, 1)).round().astype(np.uint8)
    picture, shown = Image.fromarray(pixels), image.get_window_extent()
    width, height = (round(inches * PDF_PIXELS) for inches in (shown.width / dpi, shown.height / dpi))
    cropped = shown.width > image.axes.bbox.width + 1 or shown.height > image.axes.bbox.height + 1
    if not cropped and (width < picture.width or height < picture.height):
        image.axes.set_autoscale_on(False)
        image.set_extent(image.get_extent())  # or another number of pixels would be another size
        image.set_interpolation("none")  # the pixels go into the file as they are
        picture = picture.resize((min(width, picture.width), min(height, picture.height)))
    image.set_data(np.asarray(_with_palette(picture, PDF_COLOURS).convert("RGB")))


def _write_numbers(path: Path, data: pd.DataFrame) -> None:
    write_text(path, data.to_csv(index=False, float_format="%.6g"))
