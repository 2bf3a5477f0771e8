"""The contract of a paper: what its package gives, and everything else of facelib takes from it.

A paper is one `Paper`. It names its methods, tiers, metrics, tables and claims as data, and gives the few functions
that are its own: which data sets a method reads, its network, the task that is trained, the evaluation. All else is
done by `facelib.papers.run`, the same for every paper. Importing a paper's package is cheap: torch comes with the first
call of one of these functions.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from facelib.errors import BadInput, unknown_name
from facelib.runs.settings import override, settings_of_tier
from facelib.storage import digest_of

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from facelib.data.archive import FaceArchive
    from facelib.data.embedded import GeneratedSettings
    from facelib.metrics.bootstrap import BootstrapSamples
    from facelib.papers.evaluations import Evaluation
    from facelib.papers.published import PublishedTable
    from facelib.runs.tasks import Task

Unit = Literal["fraction", "degrees", "mm", "cm2", "MB"]
# From records to what is shown.
FACTORS: dict[Unit, float] = {"fraction": 100.0, "degrees": 1.0, "mm": 1.0, "cm2": 1.0, "MB": 1.0}
SHOWN: dict[Unit, str] = {"fraction": "percent", "degrees": "degrees", "mm": "mm", "cm2": "cm²", "MB": "MB"}
DIFFERENCES: dict[Unit, str] = SHOWN | {"fraction": "points"}  # units of shown differences

PRETRAINING, BASELINE = "pretraining", "baseline"  # kinds that every paper may have, besides its own
NOT_CODE = ("label", "source", "printed_rows", "changes")  # of a method: words, or said by its settings already


@dataclass(frozen=True)
class Metric:
    """One number that runs are evaluated by.

    Args:
        label: head of its column in tables; None where only the CSV file holds it.
        phrase: in the comparisons of claims.
        unit: of its values in records; fractions are shown in percent.
        direction: which values are better.
        decimals: shown in tables.
        over_people: whether it varies with the people who are evaluated, and so has an interval; a size does not.
        knows_nothing: what a method without any skill reaches: a value in the record's unit (chance), or the name of
            the method that plays that part (the mean face); None for what needs no skill, such as a size.
    """

    label: str | None
    phrase: str
    unit: Unit = "fraction"
    direction: Literal["higher", "lower"] = "higher"
    decimals: int = 1
    over_people: bool = True
    knows_nothing: float | str | None = None

    @property
    def factor(self) -> float:
        """From a value in a record to the number shown."""
        return FACTORS[self.unit]

    @property
    def shown_unit(self) -> str:
        """The unit of what is shown: "percent", "degrees", "mm", "cm²" or "MB"."""
        return SHOWN[self.unit]

    @property
    def difference_unit(self) -> str:
        """The unit of a shown difference: "points", or that of what is shown."""
        return DIFFERENCES[self.unit]


@dataclass(frozen=True)
class Comparison:
    """A sum of metrics that must be positive; its metrics have one unit.

    Args:
        label: in words.
        parts: (coefficient, method, metric) of each summand; fractions count as percent.
        least: by which the sum must exceed zero, in percentage points (or degrees, MB); below 0 by how much it may
            fall short. Two of opposite signs with one negative `least` say that two metrics are about equal.
    """

    label: str
    parts: tuple[tuple[float, str, str], ...]
    least: float = 0.0


@dataclass(frozen=True)
class Claim:
    """A statement of the paper.

    Args:
        name: short, for files.
        statement: what it says, in our words.
        source: table, figure or section.
        comparisons: all must be positive.
        slip: how the paper's own numbers differ from what it says, if they do.
        contradicts_its_table: whether they do so in a comparison's sign.
    """

    name: str
    statement: str
    source: str
    comparisons: tuple[Comparison, ...]
    slip: str = ""
    contradicts_its_table: bool = False


@dataclass(frozen=True)
class Table:
    """How one of the paper's tables is shown; its printed numbers lie in `facelib.papers.published`.

    Args:
        main: metrics whose interval, mark and difference from the reference row are shown.
        more: metrics of ours that the paper does not print.
        references: methods that a row is compared with; the one that has its `input`.
        title: of a table of ours, which the paper does not print.
        evaluation: of whose metrics it consists, by name; methods that were not evaluated so are left out.
    """

    main: tuple[str, ...]
    more: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    title: str = ""
    evaluation: str | None = None


@dataclass(frozen=True)
class Method:
    """One system of a paper: a row of its tables, or something that rows start from.

    Args:
        name: on the command line and in records.
        label: in tables and figures.
        kind: "pretraining", "baseline" (nothing is trained), or a kind of the paper's own.
        source: where the paper describes it.
        printed_rows: (table, label of the printed row, or None for a row of ours).
        needs: methods whose run must exist first: pretrainings of fold 0, others of the same fold.
        changes: settings that this method changes, by dotted name.
    """

    name: str
    label: str
    kind: str
    source: str
    printed_rows: tuple[tuple[str, str | None], ...] = ()
    needs: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def input(self) -> str:
        """What it is evaluated on; only methods of one input are compared."""
        return "images"

    @property
    def is_pretraining(self) -> bool:
        """Whether it has one fold and stands in no table."""
        return self.kind == PRETRAINING

    @property
    def stage(self) -> str:
        """The field of the settings that holds those of its training."""
        return "pretraining" if self.is_pretraining else "training"

    @property
    def code_modules(self) -> tuple[str, ...]:
        """Modules that its run loads by name, whose code imports do not show."""
        return ()

    def needed(self, settings: Any) -> tuple[str, ...]:
        """Those of its needs that a run with these settings has."""
        return self.needs

    def describe(self) -> dict[str, str]:
        """What it is made of: the columns of the table of systems."""
        return {}

    @property
    def definition(self) -> str:
        """A fingerprint of what it is, besides its settings and its code."""
        parts = dataclasses.asdict(self)
        return digest_of({name: value for name, value in parts.items() if name not in NOT_CODE})


M = TypeVar("M", bound=Method)
S = TypeVar("S")


@dataclass(frozen=True)
class RunInputs(Generic[M, S]):
    """All that a run is built from.

    Args:
        method: which one.
        settings: of the run.
        fold, seed: of the run.
        archives: the data sets that it reads, by name; the one that it learns from comes first.
        weights: of the methods that it needs, by name.
        fingerprint: of all this, for checkpoints.
    """

    method: M
    settings: S
    fold: int
    seed: int
    archives: Mapping[str, FaceArchive]
    weights: Mapping[str, Path]
    fingerprint: str

    @property
    def training_archive(self) -> FaceArchive:
        """The data set that the run learns from."""
        return next(iter(self.archives.values()))


Scores = dict[str, "np.ndarray"]
Metrics = dict[str, dict[str, Any]]  # name -> {"value", "unit"}


class Steps(Protocol[M, S]):
    """The functions of a paper that need torch: a module of its package, imported when the first of them is called."""

    def data_sets(self, method: M, settings: S) -> dict[str, GeneratedSettings]:
        """Settings of the data sets that a run reads, by name in `facelib.papers.datasets`.

        The one that it learns from comes first.
        """

    def build_network(self, method: M, settings: S) -> nn.Module:
        """The network of a method with fresh weights."""

    def build_task(self, inputs: RunInputs[M, S], network: nn.Module) -> Task | None:
        """What is trained, once the network has what it starts from; None for a baseline, and for a network that comes
        trained with the package.

        Of baselines only those are asked that consist of what the runs that they need have learnt.
        """

    def evaluate(self, inputs: RunInputs[M, S], network: nn.Module) -> tuple[Metrics, Scores]:
        """Metrics of a trained network, and the scores of single samples."""

    def bootstrap_metrics(
        self, metrics: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, resamples: int, seed: int = 0
    ) -> BootstrapSamples:
        """A record's metrics for resampled people, from these metrics and the scores beside the record."""


@dataclass(frozen=True)
class Paper(Generic[M, S]):
    """Everything that facelib knows of a paper.

    Args:
        name: of its package and on the command line.
        module: of its `Steps`.
        number, title: of the paper.
        folder: of its notebooks and figures.
        folds: how often its protocol splits people.
        headline: the metric that sums up a run.
        methods: by name; what a method needs may stand before or after it.
        published: settings of the paper's own.
        tiers: tier -> what it changes of them, by dotted name.
        relevant: (method, settings) -> those settings with what the method's run does not see at its default, so that
            the run outlives a change of it.
        metrics: by name.
        tables: by number, in Arabic figures; those of ours by name.
        claims: what the paper says of its methods.
        failed_as: what a sample that cannot be judged counts as, in words (`facelib.papers.failures`).
        remark: what the values of a trained run's metrics say of it in words, below tables; mostly nothing.
        evaluations: what trained runs are judged by afterwards, by name.
        printed: its printed tables by number, where they do not lie in `facelib.papers.published`.
    """

    name: str
    module: str
    number: int
    title: str
    folder: str
    headline: str
    methods: Mapping[str, M]
    published: S
    tiers: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Metric]
    relevant: Callable[[M, S], S] = lambda method, settings: settings
    folds: int = 1
    tables: Mapping[str, Table] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    failed_as: str = "missed"
    remark: Callable[[Mapping[str, float]], str] = lambda values: ""
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    printed: Mapping[str, PublishedTable] | None = None

    @property
    def steps(self) -> Steps[M, S]:
        """The functions of the paper that need torch."""
        return importlib.import_module(self.module)  # type: ignore[return-value]  # mypy checks it where PAPER stands

    def code(self, method: M) -> tuple[str, ...]:
        """Where the code of a method's run begins, as `facelib.runs.code` takes it."""
        steps = ("build_network", "build_task", "evaluate")
        return (*(f"{self.module}:{step}" for step in steps), *method.code_modules)

    @property
    def smallest_tier(self) -> str:
        """The tier that shows that everything works, and no more."""
        return next(iter(self.tiers))

    def method(self, name: str) -> M:
        """A method by its name.

        Raises:
            UnknownName: when there is no such method.
        """
        if name not in self.methods:
            raise unknown_name("method", name, self.methods)
        return self.methods[name]

    def settings(self, tier: str, changes: Mapping[str, Any] | None = None) -> S:
        """The settings of a tier.

        Raises:
            UnknownName: on an unknown tier or setting.
            BadInput: on a value of another type.
        """
        return settings_of_tier(self.published, self.tiers, tier, changes)

    def run_settings(self, method: str, tier: str, seed: int = 0, changes: Mapping[str, Any] | None = None) -> S:
        """The settings of one run: of its tier, then what the method changes, then these changes, then its seed."""
        chosen = self.method(method)
        settings = self.settings(tier, {**chosen.changes, **(changes or {})})
        return override(self.relevant(chosen, settings), {f"{chosen.stage}.seed": seed})

    def seen_changes(self, method: str, tier: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Those of these changes that make a difference to a method's run; some do beside another one alone."""
        whole, seen = self.run_settings(method, tier, changes=changes), dict(changes)
        for name in changes:
            others = {other: value for other, value in seen.items() if other != name}
            if self.run_settings(method, tier, changes=others) == whole:
                seen = others
        return seen

    def check_fold(self, method: str, fold: int) -> None:
        """Raise BadInput for a fold that a method has not."""
        folds = 1 if self.method(method).is_pretraining else self.folds
        if not 0 <= fold < folds:
            raise BadInput(f"fold is {fold}: {method} of paper {self.number} has folds 0 to {folds - 1}")

    def tabulated(self, table: str | None = None) -> list[str]:
        """The methods that stand in some table, or in this one."""
        return [
            name
            for name, method in self.methods.items()
            if any(table in (None, number) for number, _ in method.printed_rows)
        ]

    def in_order(self, names: Mapping[str, Any] | list[str] | tuple[str, ...]) -> list[str]:
        """These methods and all that they need, in the paper's order, each after what it needs.

        Raises:
            UnknownName: on an unknown method.
        """
        for name in names:
            self.method(name)
        order: list[str] = []

        def add(name: str) -> None:
            for need in self.methods[name].needs:
                add(need)
            if name not in order:
                order.append(name)

        for name in self.methods:
            if name in names:
                add(name)
        return order
