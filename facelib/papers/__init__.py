"""One package a paper, floor 4: its tiers and methods, how one run is trained and evaluated, its printed numbers.

Every paper package offers

    NUMBER, TITLE, FOLDER, HEADLINE      FOLDER of notebooks and figures, HEADLINE its first metric
    FOLDS                                how often its protocol splits people
    METHODS, TIERS                       by name; a method has at least name, label, kind, source, needs, changes
    settings_of(tier, changes)           the settings of a tier
    run_settings(method, tier, seed, changes)    those of a run: with what the method changes, and its seed
    data_fingerprint(method, tier, changes)      of the data set as it would be generated today
    code_modules(method)                 modules whose imports lead to all the code that a run of the method uses
    VALUE_MODULES                        modules whose code no run's outcome depends on: settings and methods, as what
                                         they say is compared itself, and what only the report reads
    prepare(tier)                        generate the data sets
    train(method, fold=, tier=, seed=, changes=)    one run, from data to record

and, for the report,

    CLAIMS                               what the paper says of its methods (facelib.papers.claims)
    METRIC_WORDS                         metric -> how it is named and shown (facelib.papers.metric_words)
    MAIN_METRICS                         table -> metrics whose interval, mark and difference are shown
    MORE_METRICS                         table -> metrics of ours that the paper does not print
    REFERENCES, reference_of(table, method)    what a table's rows are compared with: all of them, and that of one row
    describe(method)                     what it is made of: the columns of the table of systems
    bootstrap_metrics(metrics, arrays, draws=, seed=)    a run's metrics with other people, from its record's metrics
                                         and the scores beside it (facelib.metrics.bootstrap_samples)

and importing it is cheap: torch comes with the first call that needs it.
"""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType

from facelib.errors import MissingPart, unknown_name
from facelib.runs.code import code_digest
from facelib.runs.folders import run_folder
from facelib.storage import digest_of

PAPERS: tuple[str, ...] = ("joint_attention", "sadrnet")
WEIGHTS_FILE = "weights.safetensors"
NOT_CODE = ("label", "source", "rows", "changes")  # of a method: its place in tables, and what its settings say already


def load_paper(name: str) -> ModuleType:
    """The package of a paper.

    Raises:
        UnknownName: when there is no such paper.
    """
    if name not in PAPERS:
        raise unknown_name("paper", name, PAPERS)
    return importlib.import_module(f"facelib.papers.{name}")


def run_code(paper: str, method: str) -> str:
    """A fingerprint of what a method does: the source files that it depends on, and its own definition."""
    package = load_paper(paper)
    definition = dataclasses.asdict(package.METHODS[method])
    files = code_digest(package.code_modules(method), without=package.VALUE_MODULES)
    return digest_of({"files": files, "method": {k: v for k, v in definition.items() if k not in NOT_CODE}})


def needed_weights(paper: str, method: str, fold: int, tier: str) -> dict[str, Path]:
    """The weights that a run starts from or is taught by, of seed 0: pretrainings of fold 0, others of the same fold.

    Returns:
        Method -> its weights file, which need not be there yet.
    """
    methods = load_paper(paper).METHODS
    folds = {need: 0 if methods[need].kind == "pretraining" else fold for need in methods[method].needs}
    return {need: run_folder(paper, tier, need, folds[need], 0) / WEIGHTS_FILE for need in folds}


def found_weights(paper: str, method: str, fold: int, tier: str) -> dict[str, Path]:
    """As `needed_weights`, all of which must be there.

    Raises:
        MissingPart: when one is missing; the message says which command makes it.
    """
    from facelib.runs.records import run_command

    methods = load_paper(paper).METHODS
    weights = needed_weights(paper, method, fold, tier)
    for name, path in weights.items():
        if not path.exists():
            pretraining = methods[name].kind == "pretraining"
            what = "starts from pretrained weights" if pretraining else f"learns from a trained {methods[name].label}"
            command = run_command(paper, name, 0 if pretraining else fold, tier)
            raise MissingPart(f"{method} {what}, which are missing: run `{command}` first")
    return weights


def weights_of(paper: str, method: str, fold: int, tier: str, seed: int) -> Path:
    """The weights that a run has left.

    Raises:
        UnknownName: on an unknown method.
        MissingPart: when the run does not exist; the message says which command makes it.
    """
    from facelib.runs.records import run_command

    methods = load_paper(paper).METHODS
    if method not in methods:
        raise unknown_name("method", method, methods)
    weights = run_folder(paper, tier, method, fold, seed) / WEIGHTS_FILE
    if not weights.exists():
        raise MissingPart(f"{weights} is missing: make it with `{run_command(paper, method, fold, tier)}`")
    return weights
