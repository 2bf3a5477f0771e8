"""The `facelib` command."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from facelib import __version__
from facelib.errors import FacelibError, unknown_name
from facelib.papers import PAPERS, load_paper

TIER_NAMES = ("smoke", "laptop", "gpu", "paper")


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


@main.command()
@click.option("--paper", help="One paper; default all that are here.")
@tier_option
@click.option("--folds", type=click.IntRange(1, 3), default=1, show_default=True, help="Run folds 0 to N-1.")
@click.option("--directly", is_flag=True, help="Train in this process, without Jupyter.")
def reproduce(paper: str | None, tier: str, folds: int, directly: bool) -> None:
    """Make all missing runs of a tier, then the tables and figures."""
    from facelib.reproduction import reproduce as reproduce_paper

    for name in [paper] if paper else PAPERS:
        click.echo("\n" + reproduce_paper(name, tier, folds=tuple(range(folds)), directly=directly, say=click.echo))


@main.command()
@click.argument("paper")
@click.argument("method")
@click.option("--fold", type=click.IntRange(0, 2), default=0, show_default=True)
@tier_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="Override a setting, e.g. training.epochs=3."
)
@click.option("--directly", is_flag=True, help="Train in this process, without Jupyter.")
def run(paper: str, method: str, fold: int, tier: str, seed: int, changes: tuple[str, ...], directly: bool) -> None:
    """Train and evaluate one METHOD of a PAPER; a killed run goes on where it was."""
    from facelib.reproduction import run as run_one
    from facelib.runs.records import read_record

    path = run_one(
        paper, method, fold=fold, tier=tier, seed=seed, changes=dict(map(_assignment, changes)), directly=directly
    )
    for name, metric in read_record(path).metrics.items():
        click.echo(f"{name:24} {metric['value']:.4f} {metric['unit']}")
    click.echo(path)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a plain word is a string


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
            click.echo(f"   {method['name']:16} {method['label']:20} {method['source']}")
        if paper:
            for row in entry["published"]:
                ours = row["method"] or "not here yet"
                click.echo(f"   table {row['table']}, {row['row']}: {ours}")


def _describe(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from facelib.papers.published import published_rows

    package = load_paper(name)
    return {
        "paper": name,
        "number": package.NUMBER,
        "title": package.TITLE,
        "tiers": list(package.TIERS),
        "methods": [asdict(method) for method in package.METHODS.values()],
        "published": [asdict(row) for row in published_rows(name)],
    }


@main.command()
@click.option("--sheet", type=click.IntRange(min=1), help="Draw this many people on one sheet.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The sheet's PNG file.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the people on the sheet.")
def faces(sheet: int | None, output: Path | None, seed: int) -> None:
    """Bake the embedded faces (once), and perhaps draw a sheet of people."""
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

    picture = face_sheet(sheet, seed=seed).permute(1, 2, 0).numpy()
    with atomic_path(output) as temporary:
        matplotlib.image.imsave(temporary, picture, format="png")
    click.echo(output)


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
