"""What all pictures share: which runs they show, their looks, and the files that they are."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_records import make_record, use_made_runs
from matplotlib.figure import Figure
from PIL import Image

from facelib.errors import CorruptFile, MissingPart
from facelib.report import manifest
from facelib.report.manifest import figures_folder, save_figure, write_figure
from facelib.report.records import one_fold, open_runs
from facelib.report.style import EMPHASISED_COLOURS, line_looks, tier_label, use_house_style
from facelib.storage import read_json, write_json


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_no_two_of_thirty_methods_look_alike() -> None:
    labels = [f"method {number}" for number in range(30)]
    looks = line_looks(labels, emphasised=["method 29", "method 7"])

    assert len({(look["color"], str(look["linestyle"])) for look in looks.values()}) == 30
    assert looks["method 29"]["color"] == EMPHASISED_COLOURS[0]  # by its place among the emphasised
    assert looks["method 7"]["zorder"] > looks["method 8"]["zorder"]


def test_methods_without_runs_are_named() -> None:
    make_record("jam")
    runs = open_runs("joint_attention", "smoke")
    command = "facelib run joint_attention crosspoint --fold 0 --tier smoke"

    assert list(runs.local_records(["crosspoint", "jam"])) == ["JAM"]
    assert runs.missing(["crosspoint", "jam"]) == [f"CrossPoint: no run, `{command}`"]
    with pytest.raises(MissingPart, match=command):
        runs.require(["crosspoint", "jam_je"])
    runs.require(["crosspoint", "jam"])


def test_pictures_of_faces_take_one_fold() -> None:
    folds = {"JAM": [make_record("jam", fold) for fold in (0, 1, 2)], "IR-18": [make_record("ir18", 1)]}

    assert {record.fold for record in one_fold(folds).values()} == {1}
    with pytest.raises(MissingPart, match=r"share no fold.*facelib run joint_attention jam --fold 1 --tier smoke"):
        one_fold({"IR-18": folds["IR-18"], "JAM": folds["JAM"][:1]})
    assert one_fold({}) == {}


def drawn_text(figure: plt.Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("tier", ["smoke", "laptop", "gpu", "paper"])
def test_every_picture_says_its_tier(tmp_path: Path, tier: str) -> None:
    use_house_style()
    figure, _ = plt.subplots()
    save_figure(figure, pd.DataFrame({"x": [1]}), tmp_path, "one", notebook="n.ipynb", tier=tier, parameters={})

    assert f"{tier} tier" in drawn_text(figure)
    assert ("licensed data" if tier == "paper" else "embedded faces") in tier_label(tier)


def test_a_picture_has_its_numbers_and_its_origin(tmp_path: Path) -> None:
    folder = figures_folder("1_joint_attention", "smoke")
    data = pd.DataFrame({"far": [0.01], "tar": [1 / 3]})
    origin = {"notebook": "notebooks/n.ipynb", "tier": "smoke", "parameters": {"people": 3}}
    path = save_figure(plt.figure(), data, folder, "roc", **origin)
    save_figure(plt.figure(), data, folder, "attention", further={"shares": data * 2}, **origin)

    assert folder == tmp_path / "checkout" / "figures" / "1_joint_attention" / "smoke"
    assert path == folder / "roc.png"
    names = {f"{name}.{ending}" for name in ("roc", "attention") for ending in ("png", "pdf", "csv")}
    assert {item.name for item in folder.iterdir()} == names | {"manifest.json", "attention_shares.csv"}
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (folder / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "roc.csv").read_text() == "far,tar\n0.01,0.333333\n"
    assert (folder / "attention_shares.csv").read_text() == "far,tar\n0.02,0.666667\n"
    manifest = read_json(folder / "manifest.json", "")
    assert list(manifest) == ["attention", "roc"]
    assert manifest["roc"]["notebook"] == "notebooks/n.ipynb"
    assert manifest["roc"]["parameters"] == {"people": 3}
    assert manifest["roc"]["tier"] == "smoke"


def test_a_damaged_manifest_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_json(path, {"roc": {"tier": "smoke"}})
    path.write_text(path.read_text().replace("smoke", "laptop"))

    with pytest.raises(CorruptFile, match=r"manifest\.json was damaged or edited.*delete it, and make the pictures"):
        write_figure(plt.figure(), pd.DataFrame({"x": [1]}), tmp_path, "one", label="a label", origin={})
    assert list(tmp_path.iterdir()) == [path]


def written(figure: Figure, folder: Path) -> dict[str, bytes]:
    write_figure(figure, pd.DataFrame({"x": [1]}), folder, "one", label="a label", origin={})
    return {ending: (folder / f"one.{ending}").read_bytes() for ending in ("png", "pdf")}


def photograph_of(side: int) -> np.ndarray:
    """A smooth picture (side, side, 3) with many colours, as photographs have."""
    places = np.linspace(0, 1, side)
    red, green = np.meshgrid(places, places)
    return np.stack((red, green, (red - green) ** 2), axis=2)


def one_photograph(side: int) -> Figure:
    """It takes 2 x 2 inches."""
    figure = plt.figure(figsize=(2.5, 2.5), dpi=100)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.imshow(photograph_of(side))
    return figure


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    assert written(one_photograph(300), tmp_path / "a") == written(one_photograph(300), tmp_path / "b")


def test_a_png_has_a_palette_near_its_colours(tmp_path: Path) -> None:
    figure = one_photograph(300)
    written(figure, tmp_path)
    figure.savefig(tmp_path / "plain.png")
    reduced, plain = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "plain.png")
    off = np.abs(np.asarray(reduced.convert("RGB")).astype(int) - np.asarray(plain.convert("RGB")))

    assert reduced.mode == "P"
    assert reduced.size == plain.size
    assert reduced.info["dpi"] == pytest.approx(plain.info["dpi"])
    assert 0 < off.mean() < 6
    assert np.quantile(off, 0.99) < 25
    assert np.asarray(reduced.convert("RGB"))[0, 0].tolist() == [255] * 3
    assert (tmp_path / "one.png").stat().st_size < 0.6 * (tmp_path / "plain.png").stat().st_size


def test_a_picture_of_few_colours_loses_none(tmp_path: Path) -> None:
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.set_axis_off()
    axes.add_patch(plt.Rectangle((0, 0), 1, 1, color="#123456", antialiased=False))
    axes.add_patch(plt.Rectangle((0.5, 0.5), 0.003, 1, color="#E3170A", antialiased=False))
    written(figure, tmp_path)
    figure.savefig(tmp_path / "plain.png")

    pixels, plain = (np.asarray(Image.open(tmp_path / name).convert("RGB")) for name in ("one.png", "plain.png"))
    np.testing.assert_array_equal(pixels, plain)


def test_a_palette_that_takes_more_room_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    monkeypatch.setattr(manifest, "_with_palette", lambda picture, colours: noise)
    written(plt.figure(), tmp_path)

    assert Image.open(tmp_path / "one.png").size != noise.size


def test_a_large_png_has_fewer_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = written(one_photograph(300), tmp_path / "usual")["png"]
    monkeypatch.setattr(manifest, "LARGE", len(usual) - 1)
    smaller = written(one_photograph(300), tmp_path / "smaller")["png"]

    assert len(smaller) < 0.95 * len(usual)
    counts = [
        len(Image.open(tmp_path / name / "one.png").convert("RGB").getcolors() or ()) for name in ("usual", "smaller")
    ]
    assert counts[0] > 128 >= counts[1]


@pytest.mark.parametrize(("side", "kept"), [(600, 240), (100, None)])
def test_a_pdf_holds_photographs_as_print_shows_them(tmp_path: Path, side: int, kept: int | None) -> None:
    figure = one_photograph(side)
    (axes,) = figure.axes
    before = axes.images[0].get_array().copy(), axes.images[0].get_interpolation(), axes.get_xlim(), axes.get_ylim()
    pdf = written(figure, tmp_path)["pdf"]

    assert pdf.count(b"/Subtype /Image") == 1
    assert b"/Indexed" in pdf  # its colours are few
    if kept:  # 2 inches of 120 pixels; a small one is left to matplotlib
        assert f"/Width {kept} /Height {kept}".encode() in pdf.replace(b"\n", b" ")
    # The notebook shows the figure as it was.
    np.testing.assert_array_equal(axes.images[0].get_array(), before[0])
    after = axes.images[0].get_interpolation(), axes.get_xlim(), axes.get_ylim()
    assert after == before[1:]


@pytest.mark.parametrize(("points", "images"), [(40_000, 1), (300, 0)])
def test_thousands_of_marks_are_one_image_in_a_pdf(tmp_path: Path, points: int, images: int) -> None:
    figure, axes = plt.subplots()
    axes.scatter(*np.random.default_rng(0).normal(size=(2, points)), s=2)
    figure.savefig(tmp_path / "plain.pdf")
    pdf = written(figure, tmp_path)["pdf"]

    assert min(pdf.count(b"/Subtype /Image"), 1) == images
    assert not images or len(pdf) < 0.3 * (tmp_path / "plain.pdf").stat().st_size
