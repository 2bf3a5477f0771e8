"""A whole paper in one file: people are six numbers, and networks tell whether these add up to more than nothing.

A teacher starts in a base and learns on, a student learns from the teacher besides, and a third network hardly learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from facelib.data.embedded.generation import open_generated
from facelib.metrics.bootstrap import BootstrapSamples, resample_identities
from facelib.papers.datasets import DATA_SETS, DataSet
from facelib.papers.paper import Claim, Comparison, Method, Metric, Metrics, Paper, RunInputs, Scores, Table
from facelib.papers.published import PublishedRow, PublishedTable
from facelib.runs.checkpoints import load_weights
from facelib.runs.phases import DEFAULT_SCHEDULE
from facelib.runs.settings import TrainingSettings
from facelib.runs.tasks import Monitor
from facelib.storage import digest_of

LEARNING = TrainingSettings(epochs=1, learning_rate=0.2, batch_size=16, accelerator="cpu", keep="last")
TIERS = {"smoke": {"faces.identities": 12, "training.epochs": 5}, "laptop": {"training.epochs": 6}}
METHODS = (
    Method("student", "Student", "network", "section 2", (("1", "Student"),), needs=("base", "teacher")),
    Method("teacher", "Teacher", "network", "section 1", (("1", "Teacher"),), needs=("base",)),
    Method("other", "Other", "network", "ours", (("1", None),), ("base",), {"training.learning_rate": 1e-4}),
    Method("base", "Base", "pretraining", "section 1"),
)


@dataclass(frozen=True)
class ToyFaces:
    archive: ClassVar[str] = "toy_faces"
    version: ClassVar[int] = 1
    identities: int = 24
    images: int = 8
    image_count = property(lambda self: self.identities * self.images)


@dataclass(frozen=True)
class ToySettings:
    faces: ToyFaces = ToyFaces()
    pretraining: TrainingSettings = LEARNING
    training: TrainingSettings = LEARNING


def open_toy_faces(settings: ToyFaces, on_images: Any) -> Any:
    def person(number: int) -> dict[str, np.ndarray]:
        random = np.random.default_rng(number)
        numbers = (random.normal(size=6) + random.normal(size=(settings.images, 6))).astype(np.float32)
        return {"identity": np.full(len(numbers), number), "numbers": numbers, "up": (numbers.sum(1) > 0).astype(int)}

    return open_generated(settings, settings.identities, person, lambda: on_images(settings.images))


DATA_SETS["toy_faces"] = DataSet("toy faces", "none", "people as six numbers", ToyFaces, open_toy_faces)


def data_sets(method: Method, settings: ToySettings) -> dict[str, ToyFaces]:
    return {"toy_faces": settings.faces}


def build_network(method: Method, settings: ToySettings) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))


def samples(inputs: RunInputs, evaluated: bool) -> tuple[np.ndarray, Tensor, Tensor]:
    """Of the people whom a fold is evaluated on, or of all others: identities, numbers and labels."""
    arrays = inputs.training_archive.arrays
    rows = np.flatnonzero((arrays["identity"] % 3 == inputs.fold) == evaluated)
    return arrays["identity"][rows], torch.from_numpy(arrays["numbers"][rows]), torch.from_numpy(arrays["up"][rows])


class ToyTask:
    monitor, schedule = Monitor("accuracy", "highest"), DEFAULT_SCHEDULE

    def __init__(self, inputs: RunInputs, network: nn.Module, teacher: nn.Module | None) -> None:
        self.modules, self.teacher = {"network": network}, teacher
        _, self.numbers, self.labels = samples(inputs, evaluated=False)
        self.fingerprint, self.batch_count = inputs.fingerprint, len(self.labels) // 16

    def batches(self, epoch: int, generator: torch.Generator) -> Any:
        order = torch.randperm(len(self.labels), generator=generator)[: 16 * self.batch_count]
        return ((self.numbers[rows], self.labels[rows]) for rows in order.split(16))

    def losses(self, batch: tuple[Tensor, Tensor], phase: str) -> dict[str, Tensor]:
        answers = self.modules["network"](batch[0])
        taught = {} if self.teacher is None else {"teacher": self.teacher(batch[0]).softmax(1)}
        return {name: cross_entropy(answers, wanted) for name, wanted in {"label": batch[1], **taught}.items()}

    def watch(self) -> dict[str, float]:
        return {}

    def validate(self) -> dict[str, float]:
        return {"accuracy": float((self.modules["network"](self.numbers).argmax(1) == self.labels).float().mean())}


def build_task(inputs: RunInputs, network: nn.Module) -> ToyTask:
    teacher = build_network(inputs.method, inputs.settings).requires_grad_(False)
    for name, path in inputs.weights.items():
        load_weights(path, {"network": network if name == "base" else teacher})
    return ToyTask(inputs, network, teacher if "teacher" in inputs.weights else None)


@torch.no_grad()
def evaluate(inputs: RunInputs, network: nn.Module) -> tuple[Metrics, Scores]:
    identity, numbers, labels = samples(inputs, evaluated=True)
    hits = (network(numbers).argmax(1) == labels).numpy().astype(float)
    return {"accuracy": {"value": hits.mean().item(), "unit": "fraction"}}, {"identity": identity, "hits": hits}


def bootstrap_metrics(metrics: Metrics, arrays: Scores, *, resamples: int, seed: int = 0) -> BootstrapSamples:
    people, place = np.unique(arrays["identity"], return_inverse=True)
    hits, counts, own = np.bincount(place, arrays["hits"]), np.bincount(place), int(digest_of(people.tolist()), 16) >> 1
    found = resample_identities(lambda w: (w @ hits) / (w @ counts), len(people), seed=own + seed, resamples=resamples)
    return BootstrapSamples(("accuracy",), *found, np.array([own]))


class ToyPaper(Paper[Method, ToySettings]):
    def code(self, method: Method) -> tuple[str, ...]:
        return ()  # this file does not lie in facelib, which is all that facelib.runs.code reads


def claim(name: str, statement: str, first: str, second: str) -> Claim:
    difference = ((1.0, first, "accuracy"), (-1.0, second, "accuracy"))
    return Claim(name, statement, "table 1", (Comparison(f"{first} above {second}", difference),))


ROWS = (("Teacher", "teacher", None, 95.0), ("Student", "student", None, 90.0), ("Theirs", None, "other", 70.0))
TABLE_1 = tuple(PublishedRow("1", row, ours, beside, {"accuracy": value}) for row, ours, beside, value in ROWS)

PAPER = ToyPaper(
    name="toy", module=__name__, number=0, title="A toy", folder=str(Path(__file__).parent), folds=3,
    methods={method.name: method for method in METHODS}, published=ToySettings(), tiers=TIERS, headline="accuracy",
    metrics={"accuracy": Metric("Accuracy", "accuracy", knows_nothing=0.5)},
    tables={"1": Table(("accuracy",), references=("teacher",))},
    claims=(
        claim("learning_helps", "The teacher knows more than one who hardly learnt", "teacher", "other"),
        claim("teaching_hurts", "One who hardly learnt knows more than the student", "other", "student"),
    ),
    printed={"1": PublishedTable("1", "Table I: accuracy", "percent", ("accuracy",), TABLE_1)},
)  # fmt: skip
