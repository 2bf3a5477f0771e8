"""Which modules are trained when: the phases of a training, and the stages in which they follow one another.

A task without a schedule has one phase that trains all its modules from the first epoch to the last. An adversarial
task, for example, alternates between two phases; a task that pretrains one part has two stages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from facelib.errors import BadInput, unknown_name
from facelib.runs.settings import TrainingSettings, override

Alternation = Literal["step", "batch", "epoch"]

# What a phase may set for its own optimizer; everything else in TrainingSettings holds for the training as a whole.
PHASE_SETTINGS = (
    "learning_rate",
    "optimizer",
    "momentum",
    "beta1",
    "weight_decay",
    "milestones",
    "decay",
    "warmup_epochs",
    "warmup_start",
    "slow_parts",
    "slow_factor",
    "gradient_clip",
)


@dataclass(frozen=True)
class Phase:
    """A set of modules with an optimizer of their own.

    The other modules get no gradients meanwhile, but stay in train mode: their batch norms go on collecting statistics
    if the phase's losses use them. Phases of one name, in whatever stages, are one phase with one optimizer, and must
    be defined alike.

    Attributes:
        name: given to `Task.losses`, and the prefix of the phase's loss terms in the history.
        modules: the names in `Task.modules` of those to train; None for all of them.
        changes: settings of the phase's optimizer that differ from the training's, by name (PHASE_SETTINGS). Epochs in
            `milestones` and `warmup_epochs` are counted from the start of the training, not of the stage.
    """

    name: str
    modules: tuple[str, ...] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise BadInput("a phase has an empty name: give it one, such as 'generator'")
        if self.modules is not None and not self.modules:
            raise BadInput(f"phase {self.name!r} has no modules: name those to train, or give None for all")
        for name in self.changes:
            if name not in PHASE_SETTINGS:
                raise unknown_name(f"setting of phase {self.name!r}", name, PHASE_SETTINGS)


@dataclass(frozen=True)
class Stage:
    """Some epochs in which the same phases take turns.

    Early stopping counts its epochs over all stages: with patience, a training may end before its last stage does.

    Attributes:
        phases: in the order of their turns; a phase listed twice has two turns.
        epochs: how many; None, in the last stage only, for what is left of `TrainingSettings.epochs`.
        alternate: when the turn passes to the next phase. "step": within a step, so that every phase trains on every
            batch; "batch": after a batch (after `TrainingSettings.accumulate` batches, which make a step), counted
            from the start of the stage; "epoch": after an epoch.
    """

    phases: tuple[Phase, ...]
    epochs: int | None = None
    alternate: Alternation = "step"

    def __post_init__(self) -> None:
        if not self.phases:
            raise BadInput("a stage has no phases: expected at least one, such as Phase('all')")
        if self.epochs is not None and self.epochs < 1:
            raise BadInput(f"a stage has {self.epochs} epochs: expected at least 1, or None for what is left")
        if self.alternate not in get_args(Alternation):
            raise unknown_name("alternation", self.alternate, get_args(Alternation))

    @property
    def several(self) -> bool:
        """Whether there is more than one phase to tell apart."""
        return len({phase.name for phase in self.phases}) > 1

    def turn(self, epoch: int, step: int) -> tuple[Phase, ...]:
        """The phases that train in a step.

        Args:
            epoch: counted from the start of the stage.
            step: counted from the start of the stage, too.
        """
        if self.alternate == "step":
            return self.phases
        return (self.phases[(epoch if self.alternate == "epoch" else step) % len(self.phases)],)


DEFAULT_SCHEDULE: tuple[Stage, ...] = (Stage((Phase("all"),)),)


def schedule_of(task: object) -> tuple[Stage, ...]:
    """The task's schedule, or one phase that trains everything if it gives none."""
    return getattr(task, "schedule", DEFAULT_SCHEDULE)


def phases_of(schedule: tuple[Stage, ...]) -> dict[str, Phase]:
    """The phases of all stages by name.

    Raises:
        BadInput: two phases of one name differ.
    """
    phases: dict[str, Phase] = {}
    for phase in (phase for stage in schedule for phase in stage.phases):
        known = phases.setdefault(phase.name, phase)
        if known != phase:
            raise BadInput(
                f"phase {phase.name!r} is defined twice, as {known} and as {phase}: define it once, or rename one"
            )
    return phases


def plan_epochs(schedule: tuple[Stage, ...], epochs: int) -> list[tuple[Stage, int]]:
    """The stage of each epoch of the training, and which of the stage's epochs it is, counted from 0.

    Args:
        schedule: the stages.
        epochs: of the whole training.

    Raises:
        BadInput: there are no stages, or theirs are not the training's epochs.
    """
    if not schedule:
        raise BadInput("the schedule has no stages: expected at least one; leave it out to train everything at once")
    for number, stage in enumerate(schedule[:-1]):
        if stage.epochs is None:
            raise BadInput(f"stage {number} of {len(schedule)} has no number of epochs: only the last may leave it out")
    lengths = [stage.epochs for stage in schedule if stage.epochs is not None]
    left = epochs - sum(lengths)
    open_end = schedule[-1].epochs is None
    if left < 1 if open_end else left != 0:
        wanted = f"at least {sum(lengths) + 1} for a last stage that takes what is left" if open_end else "as many"
        raise BadInput(
            f"the stages have {' + '.join(map(str, lengths))} epochs and the training has {epochs}: expected {wanted}; "
            "change the settings' epochs or those of the stages"
        )
    return [(stage, epoch) for stage in schedule for epoch in range(left if stage.epochs is None else stage.epochs)]


def check_schedule(schedule: tuple[Stage, ...], modules: Collection[str], settings: TrainingSettings) -> None:
    """Raise what is wrong with a schedule before anything is trained.

    Args:
        schedule: the stages.
        modules: the names of the task's modules.
        settings: of the training.

    Raises:
        BadInput: no stages, other epochs than the settings', two phases of one name that differ, or a setting of
            another type.
        UnknownName: a phase trains a module that does not exist.
    """
    plan_epochs(schedule, settings.epochs)
    for phase in phases_of(schedule).values():
        override(settings, phase.changes)
        for name in phase.modules or ():
            if name not in modules:
                raise unknown_name(f"module of phase {phase.name!r}", name, modules)
