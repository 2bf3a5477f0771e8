"""The `facelib` command."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facelib import __version__
from facelib.errors import FacelibError, unknown_name
from facelib.papers import PAPERS, load_paper

if TYPE_CHECKING:
    from facelib.landmark_comparison import Comparison, Summary

TIER_NAMES = ("smoke", "laptop", "gpu", "paper")
WORLD_NAMES = ("embedded", "ict")
PROTOCOLS = 3  # that `facelib explain` lists
RANKS = 10  # people that `facelib identify` lists


class _Commands(click.Group):
    """Shows our own errors as one message instead of a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (FacelibError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands)
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Say which backends are chosen and what is read from caches.")
def main(verbose: bool) -> None:
    """Re-run five papers on faces: their training, tables and figures."""
    # Idle threads that spin take the core from working ones; OpenMP reads this when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(name)s: %(message)s")
    for library in ("numba", "matplotlib", "papermill", "nbclient", "traitlets", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)


tier_option = click.option("--tier", type=click.Choice(TIER_NAMES), default="smoke", show_default=True)
directly_option = click.option("--directly", is_flag=True, help="Train in this process, without Jupyter or Snakemake.")
box_option = click.option(
    "--box", metavar="L,T,R,B", help="Of the face, from brows to chin, in pixels; without it the face is looked for."
)
model_tier_option = click.option(
    "--tier", type=click.Choice(TIER_NAMES), help="Take the run of this tier where --model is a method."
)
keep_code_option = click.option(
    "--keep-code", is_flag=True, help="Accept records that another version of the code made."
)


@main.command()
@click.option("--paper", help="One paper; default all that are here.")
@tier_option
@click.option("--folds", type=click.IntRange(1, 3), default=1, show_default=True, help="Run folds 0 to N-1.")
@click.option("--methods", metavar="NAME,NAME", help="Only these and what they need.")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at once; default 2, 1 on one core, or the profile's.")
@click.option("--profile", metavar="NAME", help="Of Snakemake: slurm, slurm-gpu, or a folder of your own.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@directly_option
@keep_code_option
def reproduce(
    paper: str | None,
    tier: str,
    folds: int,
    methods: str | None,
    jobs: int | None,
    profile: str | None,
    dry_run: bool,
    directly: bool,
    keep_code: bool,
) -> None:
    """Make all missing runs of a tier, then the tables and figures; interrupted, it goes on where it was."""
    from facelib import grid, reproduction
    from facelib.papers.status import runs_of

    if directly and (dry_run or profile):
        raise click.UsageError("--directly uses no Snakemake: it goes without --dry-run and --profile")
    chosen = [name.strip() for name in methods.split(",")] if methods else None
    complete = True
    summaries: list[tuple[str, ...]] = [reproduction.SUMMARY_HEAD]
    for each in map(load_paper, [paper] if paper else PAPERS):
        runs = runs_of(each, tier, range(folds), chosen)
        if dry_run:
            grid.dry_run(runs, jobs=jobs, profile=profile, keep_code=keep_code, say=click.echo)
            continue
        if directly:
            complete &= reproduction.make_directly(runs, keep_code=keep_code, say=click.echo)
        else:
            complete &= grid.make_runs(runs, jobs=jobs, profile=profile, keep_code=keep_code, say=click.echo)
        reproduction.report(each, tier, directly=directly, say=click.echo)
        summaries.append(reproduction.summary(each, tier, runs, keep_code=keep_code))
    if not dry_run:
        click.echo("\n" + _aligned(summaries))
    sys.exit(0 if complete else 1)


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    """Lines of cells as columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


@main.command()
@click.argument("paper")
@click.argument("methods", nargs=-1, required=True, metavar="METHOD...")
@click.option("--fold", type=click.IntRange(0, 2), default=0, show_default=True)
@tier_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="Override a setting, e.g. training.epochs=3."
)
@directly_option
@keep_code_option
def run(
    paper: str,
    methods: tuple[str, ...],
    fold: int,
    tier: str,
    seed: int,
    changes: tuple[str, ...],
    directly: bool,
    keep_code: bool,
) -> None:
    """Train and evaluate one or several METHODs of a PAPER; a killed run goes on where it was."""
    from facelib.papers.evaluations import with_metrics
    from facelib.reproduction import make, result_line
    from facelib.runs.folders import Run
    from facelib.runs.records import read_record

    settings = dict(map(assignment, changes))
    runs = [Run(paper, method, fold, tier, seed, settings) for method in methods]
    make(runs, directly=directly, keep_code=keep_code, say=click.echo)
    if len(runs) > 1:
        for each in runs:
            click.echo(f"{each.method}: {result_line(each)}")
        return
    for name, metric in with_metrics(load_paper(paper), read_record(runs[0].record)).metrics.items():
        click.echo(f"{name:24} {metric['value']:.4f} {metric['unit']}")
    click.echo(runs[0].record)


@main.command()
@click.argument("paper")
@click.argument("methods", nargs=-1, metavar="[METHOD]...")
@tier_option
@keep_code_option
def evaluate(paper: str, methods: tuple[str, ...], tier: str, keep_code: bool) -> None:
    """Evaluate the runs of a PAPER on imported data, such as the heads of ICT-FaceKit; by default all that stand."""
    from facelib.reproduction import evaluate_runs

    evaluate_runs(load_paper(paper), tier, methods or None, keep_code=keep_code, say=click.echo)


def assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a plain word is a string


@main.command()
@click.option("--paper", help="One paper; default all that are here.")
@tier_option
@click.option("--folds", type=click.IntRange(1, 3), default=1, show_default=True, help="Of folds 0 to N-1.")
@keep_code_option
def status(paper: str | None, tier: str, folds: int, keep_code: bool) -> None:
    """Say of every run whether it is current, outdated and why, committed with the repository, or missing."""
    from collections import Counter

    from facelib.papers.status import runs_of, statuses
    from facelib.reproduction import counted

    for each in map(load_paper, [paper] if paper else PAPERS):
        found = statuses(runs_of(each, tier, range(folds)), keep_code=keep_code).values()
        click.echo(f"{each.name} at {tier}: {counted(Counter(one.state for one in found))}")
        for one in found:
            reason = f"  {one.reason}" if one.reason else ""
            click.echo(f"  {one.state:9} {one.run.method} fold {one.run.fold}{reason}")


@main.command()
@click.argument("paper", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def papers(paper: str | None, as_json: bool) -> None:
    """List papers with their methods, tiers and printed rows."""
    if paper and paper not in PAPERS:
        raise unknown_name("paper", paper, PAPERS)
    described = [_describe(name) for name in ([paper] if paper else PAPERS)]
    if as_json:
        click.echo(json.dumps(described, indent=1))
        return
    for entry in described:
        click.echo(f"{entry['number']}. {entry['paper']}: {entry['title']}\n   tiers: {', '.join(entry['tiers'])}")
        for method in entry["methods"]:
            click.echo(f"   {method['name']:22} {method['label']:30} {method['source']}")
        if paper:
            click.echo("\n".join(f"   {line}" for line in _rows(entry)))


def _rows(entry: dict[str, Any]) -> Iterator[str]:
    """Every printed row with the method of ours beside it, then the rows that are ours alone."""
    for row in entry["published"]:
        ours = row["method"] or (
            f"printed only, {row['counterpart']} plays its part" if row["counterpart"] else "printed only"
        )
        yield f"table {row['table']}, {row['row']}: {ours}"
    for method in entry["methods"]:
        yield from (
            f"table {table}, a row of ours: {method['name']}" for table, row in method["printed_rows"] if row is None
        )


def _describe(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from facelib.papers.published import published_rows

    paper = load_paper(name)
    return {
        "paper": name,
        "number": paper.number,
        "title": paper.title,
        "tiers": list(paper.tiers),
        "methods": [asdict(method) for method in paper.methods.values()],
        "published": [asdict(row) for row in published_rows(name)],
    }


@main.group(invoke_without_command=True)
@click.option("--sheet", type=click.IntRange(min=1), help="Draw this many people on one sheet.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The sheet's PNG file.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the people on the sheet.")
@click.option(
    "--world", type=click.Choice(WORLD_NAMES), default="embedded", show_default=True, help="Whose people are drawn."
)
@click.pass_context
def faces(context: click.Context, sheet: int | None, output: Path | None, seed: int, world: str) -> None:
    """Bake the embedded faces (once), and perhaps draw a sheet of people."""
    if context.invoked_subcommand:
        return  # which has options of its own
    from facelib.faces.baking import face_model_path, load_face_model

    if sheet is None:
        for resolution in ("coarse", "fine"):
            model = load_face_model(resolution)  # type: ignore[arg-type]
            click.echo(f"{resolution}: {len(model.mean)} vertices in {face_model_path(resolution)}")  # type: ignore[arg-type]
        return
    if output is None:
        raise click.UsageError("--sheet needs -o FILE.png")
    import matplotlib.image

    from facelib.faces.sheet import face_sheet
    from facelib.storage import atomic_path

    picture = face_sheet(sheet, world=world, seed=seed).permute(1, 2, 0).numpy()
    with atomic_path(output) as temporary:
        matplotlib.image.imsave(temporary, picture, format="png")
    click.echo(output)


@faces.command("import-ict")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_ict_facekit(folder: Path) -> None:
    """Read the public ICT-FaceKit, heads of real people as a linear model, from a FOLDER that holds its FaceXModel."""
    from facelib.faces.ict_model import import_ict

    click.echo(import_ict(folder))


@main.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--model",
    metavar="NAME",
    help="A model of `facelib models`, a run's folder, or a method of sadrnet; default the shipped model sadrnet.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A folder for the results.")
@box_option
@model_tier_option
def reconstruct(image: Path, model: str | None, output: Path, box: str | None, tier: str | None) -> None:
    """Read a 3D face off a photograph: mesh, landmarks, pose, a picture and a page to turn the face."""
    given = None if box is None else _box(box)

    from facelib.data.photographs import read_photograph
    from facelib.reconstruction import as_box, load_reader, read_face
    from facelib.report.sadrnet.reconstruction_files import ORIGIN, check_folder, write_reconstruction

    check_folder(output)
    trained = load_reader(model, tier)
    photograph = read_photograph(image)
    face = read_face(trained, photograph, None if given is None else as_box(given))
    paths = write_reconstruction(output, photograph, image.name, face, trained)
    click.echo(f"{trained.method.label} ({ORIGIN}, {trained.tier} tier), box {face.box}")
    click.echo(", ".join(f"{name} {angle:+.1f}" for name, angle in face.angles.items()) + " degrees")
    for path in paths:
        click.echo(path)


@main.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--model",
    metavar="NAME",
    help="A model of `facelib models`, a run's folder, or a method of msma; default the shipped model msma.",
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A folder for the results.")
@box_option
@model_tier_option
@click.option(
    "--refine/--no-refine", default=True, show_default=True, help="Go on by direct fitting from what the network reads."
)
@click.option(
    "--from",
    "coefficients",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Draw the coefficients.json of an earlier fit of IMAGE again, without a network.",
)
def fit(
    image: Path,
    model: str | None,
    output: Path,
    box: str | None,
    tier: str | None,
    refine: bool,
    coefficients: Path | None,
) -> None:
    """Fit a face model to a photograph: shape, expression, albedo, pose and light, with pictures and a page to turn."""
    if coefficients and (model or box or tier):
        raise click.UsageError("--from needs no network: it goes without --model, --box and --tier")
    given = None if box is None else _box(box)

    from facelib.data.photographs import read_photograph
    from facelib.face_fitting import fit
    from facelib.papers.msma.coefficient_file import read_coefficients
    from facelib.report.msma.fit_files import check_folder, described, write_fit

    check_folder(output)
    if coefficients:
        face = read_coefficients(coefficients, read_photograph(image))
    else:
        face = fit(image, given, model, refine=refine, tier=tier)
    paths = write_fit(output, face, image.name)
    title, label = described(face)
    click.echo(f"{title} ({label}), box {face.box}")
    click.echo(", ".join(f"{name} {angle:+.1f}" for name, angle in face.angles.items()) + " degrees")
    for path in paths:
        click.echo(path)


@main.command("reconstruct-depth")
@click.argument("frame", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--intrinsics", required=True, metavar="FX,FY,CX,CY", help="Of this frame, in its pixels.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A folder for the results.")
@click.option("--nose", metavar="U,V", help="A pixel that shows the nose; without it the head is looked for.")
@click.option(
    "--model",
    metavar="NAME",
    help="Of the shape: a model of `facelib models`, a run's folder, or a method of depth_adaptation; default the "
    "shipped model dashapenet.",
)
@click.option("--pose-model", metavar="NAME", help="Of the pose, likewise; default the shipped model dapose.")
@model_tier_option
def reconstruct_depth(
    frame: Path,
    intrinsics: str,
    output: Path,
    nose: str | None,
    model: str | None,
    pose_model: str | None,
    tier: str | None,
) -> None:
    """Read a head off a depth FRAME (.png of 16 bits in mm, .npy, or .bin of Biwi): mesh, pose, a picture, a page."""
    focal_u, focal_v, center_u, center_v = _numbers(intrinsics, "fx,fy,cx,cy in pixels, such as 575.8,575.8,320,240")
    place = None
    if nose is not None:
        column, row = _numbers(nose, "column,row of a pixel, such as 320,240")
        place = column, row

    from facelib.depth_reconstruction import reconstruct_depth
    from facelib.report.depth_adaptation.reconstruction_files import check_folder, described, write_depth_face

    check_folder(output)
    face = reconstruct_depth(frame, (focal_u, focal_v, center_u, center_v), place, model, pose_model, tier=tier)
    paths = write_depth_face(output, face, frame.name)
    title, label = described(face)
    click.echo(f"{title} ({label})")
    click.echo(", ".join(f"{name} {angle:+.1f}" for name, angle in face.angles.items()) + " degrees")
    for path in paths:
        click.echo(path)


@main.command()
@click.argument("scan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--gallery",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of scans; the identity of each is its name up to the first dot.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A PNG file of the nearest three."
)
@click.option("--json", "as_json", is_flag=True, help="All ranks, for programs.")
@click.option("--model", metavar="NAME", help="A model of `facelib models`; default normal_components.")
def identify(scan: Path, gallery: Path, output: Path | None, as_json: bool, model: str | None) -> None:
    """Say which people of a gallery a SCAN of a face resembles (.ply, .obj, .stl, .wrl, .abs, .abs.gz or .bnt, mm)."""
    from facelib.identification import draw_identification, identify
    from facelib.papers.component_networks import load_networks
    from facelib.report.interactive_picture import still_png
    from facelib.storage import write_bytes

    found = identify(scan, gallery, load_networks(model))
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1))
    else:
        lines: list[tuple[str, ...]] = [("", "identity", "distance", "x", "y", "z")]
        for place, rank in enumerate(found.ranks[:RANKS], start=1):
            distances = (f"{each:.3f}" for each in (rank.distance, *rank.axes.values()))
            lines.append((f"{place}.", rank.identity, *distances))
        click.echo(_aligned(lines))
        if len(found.ranks) > RANKS:
            click.echo(f"and {len(found.ranks) - RANKS} more; --json tells all")
    if output:
        write_bytes(output, still_png(draw_identification(found), 200))
        click.echo(output, err=as_json)


def _box(text: str) -> tuple[float, ...]:
    return _numbers(text, "left,top,right,bottom in pixels, such as 180,95,265,180")


def _numbers(text: str, expected: str) -> tuple[float, ...]:
    """Numbers between commas, as many as the expected words have before the first space."""
    try:
        numbers = tuple(map(float, text.split(",")))
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: expected {expected}") from error
    if len(numbers) != len(expected.split()[0].split(",")):
        raise click.BadParameter(f"{text!r}: expected {expected}")
    return numbers


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="The cards, for programs.")
def models(name: str | None, as_json: bool) -> None:
    """List the trained models that come with the package, or show the card of the one called NAME."""
    from facelib.weights import read_card, shipped_names, weights_paths

    cards = {each: read_card(each) for each in ([name] if name else shipped_names())}
    if as_json:
        click.echo(json.dumps(cards, indent=1))
        return
    for each, card in cards.items():
        size = sum(path.stat().st_size for path in weights_paths(each))
        click.echo(f"{each}: {card['summary']} ({size / 1e6:.1f} MB)")
        if name:
            told = (f"   {field}: {value}" for field, value in card.items() if field not in ("summary", "measured"))
            click.echo("\n".join(told))
            for metric, found in card.get("measured", {}).items():
                click.echo(f"   measured: {metric:22} {found['value']:.4f} {found['unit']}")


@main.group()
def data() -> None:
    """Data sets that their owners license: what there is, and whether a folder of one can be read."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_data(as_json: bool) -> None:
    """List the licensed data sets that can be read: licence, whom to ask, size, and what they serve."""
    from facelib.data.licensed import READERS

    described = {name: reader.described for name, reader in READERS.items()}
    if as_json:
        click.echo(json.dumps(described, indent=1))
        return
    for name, facts in described.items():
        click.echo(name)
        click.echo("\n".join(f"   {fact:8} {value}" for fact, value in facts.items()))


layout_option = click.option(
    "--layout", metavar="PART=PLACE", multiple=True, help="Where a part lies in FOLDER, if elsewhere than usual."
)


@data.command("check")
@click.argument("name")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@layout_option
def check_data(name: str, folder: Path, layout: tuple[str, ...]) -> None:
    """Read all of a FOLDER with the data set NAME, once: name the first file that does not fit, or count it."""
    from facelib.data.licensed import reader_of
    from facelib.data.licensed.checking import check_samples
    from facelib.data.licensed.folders import DataFolder
    from facelib.data.licensed.reader import write_index
    from facelib.progress import progress_bar

    reader = reader_of(name)
    given = DataFolder(folder, reader.layout, dict(map(_place, layout)))
    index = reader.index(given)
    with progress_bar(reader.title, len(index), "samples") as bar:
        checked = check_samples(reader, given, index, bar.advance)
    for what, count in index.counts.items():
        click.echo(f"{count:10,} {what}")
    for remark in checked.remarks:
        click.echo(f"note: {remark}")
    click.echo(write_index(reader, given, checked.index))


@data.command("describe")
@click.argument("name")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A PNG file.")
@click.option("--count", type=click.IntRange(min=1), default=24, show_default=True, help="Of samples.")
@layout_option
def describe_data(name: str, folder: Path, output: Path, count: int, layout: tuple[str, ...]) -> None:
    """Draw some samples of a FOLDER with the data set NAME as they are read, with landmarks and axes of the head."""
    from facelib.data.licensed import reader_of
    from facelib.data.licensed.folders import DataFolder
    from facelib.report.contact_sheet import contact_sheet

    reader = reader_of(name)
    given = DataFolder(folder, reader.layout, dict(map(_place, layout)))
    contact_sheet(reader, given, reader.index(given), count, output)
    click.echo(output)


def _place(text: str) -> tuple[str, str]:
    part, equals, place = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: expected PART=PLACE, such as photographs=images")
    return part, place


@main.command()
@click.argument("predictions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("truth", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--number", type=float, help="Your mean landmark error in percent: which protocol gives it?")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(predictions: Path, truth: Path, number: float | None, as_json: bool) -> None:
    """Say which known slip brings PREDICTIONS and TRUTH together: axes, order, units, signs, boxes, first frames.

    Both are CSV or npz files with a sample a row: landmarks, vertices, pose, rotation, box, coefficients (see
    `facelib.explanation.tables`).
    """
    from dataclasses import asdict

    from facelib.explanation import explain, read_table
    from facelib.explanation.search import protocol_of

    found, true = read_table(predictions), read_table(truth)
    explained = explain(found, true)
    protocols = [] if number is None else protocol_of(found, true, number)[:PROTOCOLS]
    if as_json:
        click.echo(json.dumps({"explained": [asdict(each) for each in explained], "protocols": protocols}, indent=1))
        return
    for each in explained:
        click.echo(str(each))
    for name, value in protocols:
        click.echo(f"   {value:.4g} % with {name}")


@main.command("compare-landmarks")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", "models", metavar="NAME", multiple=True, help="As of reconstruct, or a run of msma; several.")
@model_tier_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def compare_landmarks(folder: Path, models: tuple[str, ...], tier: str | None, as_json: bool) -> None:
    """Compare the 51 inner landmarks with dlib's, on every face in the photographs of a FOLDER (extra "photographs").

    Distances are means over the landmarks, in distances of the outer eye corners: as they are, and with dlib's
    landmarks moved into our convention as fitted on rendered faces. With several models there is one line for each,
    and how far its mean lies from the first one's, with an interval over faces.
    """
    from dataclasses import asdict

    from facelib.landmark_comparison import compare_folder, landmark_reader, summaries

    several = compare_folder(folder, {str(model): landmark_reader(model, tier) for model in models or (None,)})
    if len(several) > 1:
        told = summaries(several)
        click.echo(
            json.dumps({name: asdict(each) for name, each in told.items()}, indent=1) if as_json else _table(told)
        )
        return
    (found,) = several.values()
    click.echo(json.dumps([asdict(each) for each in found], indent=1) if as_json else _faces(found))


def _table(told: Mapping[str, Summary]) -> str:
    lines: list[tuple[str, ...]] = [("model", "faces", "mean", "median", "less the first")]
    for name, each in told.items():
        other = each.difference
        numbers = () if other is None else (other.estimate, other.low, other.high)
        difference = "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * number for number in numbers)) if numbers else ""
        lines.append((name, str(each.faces), *_percent(each.mean, each.median), difference))
    return _aligned(lines)


def _faces(found: Sequence[Comparison]) -> str:
    from statistics import fmean, median

    lines: list[tuple[str, ...]] = [("face", "as they are", "translated", "")]
    pairs = [(each.as_they_are, each.translated) for each in found if each.as_they_are and each.translated]
    for each in found:
        lines.append((each.name, *_percent(each.as_they_are, each.translated), each.why_not))
    if pairs:
        as_they_are, moved = zip(*pairs, strict=True)
        lines.append((f"mean of {len(pairs)}", *_percent(fmean(as_they_are), fmean(moved)), ""))
        lines.append((f"median of {len(pairs)}", *_percent(median(as_they_are), median(moved)), ""))
    return _aligned(lines)


def _percent(*numbers: float | None) -> tuple[str, ...]:
    return tuple("" if number is None else f"{100 * number:.1f} %" for number in numbers)


@main.command()
@click.argument("run")
@click.option("--name", required=True, help="Of the model, such as sadrnet.")
def ship(run: str, name: str) -> None:
    """For maintainers: make a RUN's network, given by its folder, a model that comes with the package."""
    from importlib import import_module

    from facelib.papers import load_paper
    from facelib.runs.folders import RECORD_FILE
    from facelib.runs.records import read_record
    from facelib.weights import weights_paths

    paper = load_paper(read_record(Path(run) / RECORD_FILE).paper)
    shipping = import_module(f"facelib.papers.{paper.name}.shipping")
    click.echo(str(shipping.ship(run, name)))
    click.echo("\n".join(map(str, weights_paths(name))))


@main.command()
def doctor() -> None:
    """Say what is installed and cached, which device is used, and which command mends what is missing."""
    from facelib.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.fine else 'MISS'} {finding.name:22} {finding.state}")
        if finding.remedy:
            click.echo(f"     -> {finding.remedy}")
    sys.exit(0 if all(finding.fine or finding.optional for finding in findings) else 1)


@main.command()
@click.option("--only", metavar="NAME", help="One benchmark, or all whose names begin so (up to a hyphen).")
@click.option("--growth", is_flag=True, help="Time ours at three sizes instead of comparing with peers.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def bench(only: str | None, growth: bool, as_json: bool) -> None:
    """Measure our kernels against the libraries that one would use instead."""
    from facelib.bench import as_table, measure, measure_growth

    rows, files = (measure_growth if growth else measure)(only, lambda name: click.echo(f"{name} ...", err=True))
    click.echo(json.dumps(rows, indent=1) if as_json else as_table(rows))
    for path in files:
        click.echo(path, err=True)
