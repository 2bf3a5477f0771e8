"""DASHapeNet: F and R with the generator G and the discriminator D of AR-GAN, by eqs. 1-5 in turns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import torch

from facelib.losses.adversarial import (
    AdversarialHealth,
    collapse,
    diversity,
    drawn_loss,
    generator_loss,
    judged_rightly,
    real_loss,
    shape_loss,
    target_loss,
)
from facelib.models.depth_networks import SOURCE, TARGET, DASHapeNet, Discriminator, Generator
from facelib.papers.depth_adaptation.frames import DomainBatch, DomainTraining
from facelib.papers.depth_adaptation.settings import AdaptationSettings
from facelib.papers.depth_adaptation.shape_task import FEATURES, REGRESSOR, AlignedTask, ShapeTask, Step
from facelib.runs.phases import Phase, Stage

Terms = Callable[[Step], dict[str, torch.Tensor]]
_log = logging.getLogger(__name__)


class GenerativeTask(ShapeTask):
    """F, R, G and D, alternating within each step.

    Of each epoch the health of D and G is recorded, and `collapsed`, 1 where something is wrong, which the log says.

    Arguments as of `ShapeTask`; the adaptation gives weights, signs and order.
    """

    def __init__(self, network: DASHapeNet, given: DomainTraining, adaptation: AdaptationSettings) -> None:
        super().__init__(network, given, adaptation)
        drawn, judged = Generator(given.networks), Discriminator(given.networks, network.outputs)
        self.modules |= {"generator": drawn, "discriminator": judged}
        self.together = adaptation.order == "joint"
        turns = self._joint_turns() if self.together else self._printed_turns()
        self.terms = {phase.name: terms for phase, terms in turns if terms}
        self.schedule = (Stage(tuple(phase for phase, terms in turns if terms)),)
        self._health: dict[str, list[torch.Tensor]] = {name: [] for name in AdversarialHealth._fields}

    def losses(self, batch: DomainBatch, phase: str) -> Mapping[str, torch.Tensor]:
        step = self.step(batch)
        return {name: value for terms in self.terms[phase] for name, value in terms(step).items()}

    def watch(self) -> dict[str, float]:
        """The health of D and G, means over the epoch's batches, and whether they have collapsed."""
        health = AdversarialHealth(**{name: float(torch.stack(kept).mean()) for name, kept in self._health.items()})
        for kept in self._health.values():
            kept.clear()
        wrong = collapse(health)
        if wrong is not None:
            _log.warning("the adversarial training has collapsed in this epoch: %s", wrong)
        return {**health._asdict(), "collapsed": float(wrong is not None)}

    def judging_source(self, step: Step) -> dict[str, torch.Tensor]:
        """What D learns from source frames: the first terms of eq. 1, and eq. 2."""
        images = step.source_images
        drawn = self.modules["generator"](step.source, SOURCE)
        real, judged = (self.modules["discriminator"](each) for each in (images, drawn))
        with torch.no_grad():
            self._health["real"].append(judged_rightly(real.logit, True))
            self._health["drawn_source"].append(judged_rightly(judged.logit, False))
            self._health["diversity"].append(diversity(drawn.to(images), images))
        shape = real.shape if self.adaptation.shape_of == "rendered" else judged.shape
        return {
            "real": real_loss(real.logit),
            "drawn_source": drawn_loss(judged.logit),
            "shape": shape_loss(shape, step.shape),
        }

    def judging_target(self, step: Step) -> dict[str, torch.Tensor]:
        """What D learns from target frames: the last term of eq. 1."""
        judged = self.modules["discriminator"](self.modules["generator"](step.target, TARGET))
        with torch.no_grad():
            self._health["drawn_target"].append(judged_rightly(judged.logit, False))
        return {"drawn_target": drawn_loss(judged.logit)}

    def drawing(self, step: Step) -> dict[str, torch.Tensor]:
        """What G learns: eq. 3."""
        judged = self.modules["discriminator"](self.modules["generator"](step.source, SOURCE))
        return {
            "adversarial": generator_loss(judged.logit, self.adaptation.signs),
            "shape": shape_loss(judged.shape, step.shape),
        }

    def shape_kept(self, step: Step) -> dict[str, torch.Tensor]:
        """lambda_2 L_Dreg of eq. 5, by drawn images, which depend on F."""
        judged = self.modules["discriminator"](self.modules["generator"](step.source, SOURCE))
        return {"drawn_shape": self.adaptation.lambda2 * shape_loss(judged.shape, step.shape)}

    def target_as_source(self, step: Step) -> dict[str, torch.Tensor]:
        """lambda_1 L_Dadv,t of eq. 5."""
        judged = self.modules["discriminator"](self.modules["generator"](step.target, TARGET))
        return {"target": self.adaptation.lambda1 * target_loss(judged.logit, self.adaptation.signs)}

    def _joint_turns(self) -> list[tuple[Phase, list[Terms]]]:
        """D, G, and F with R; R stands in one term of eq. 5 alone, L_R, so that it follows eq. 4."""
        return [
            (self._discriminator("discriminator"), [self.judging_source, self.judging_target]),
            (Phase("generator", ("generator",)), [self.drawing]),
            (
                Phase("features", (FEATURES, REGRESSOR)),
                [self.regression, *self._shape_kept(), *self._target_as_source()],
            ),
        ]

    def _printed_turns(self) -> list[tuple[Phase, list[Terms]]]:
        """D, G, R and F by source frames, then D and F by target frames; each turn has an optimizer of its own."""
        return [
            (self._discriminator("discriminator_source"), [self.judging_source]),
            (Phase("generator", ("generator",)), [self.drawing]),
            (Phase("regressor", (REGRESSOR,)), [self.regression]),
            (Phase("features_source", (FEATURES,)), [self.regression, *self._shape_kept()]),
            (self._discriminator("discriminator_target"), [self.judging_target]),
            (Phase("features_target", (FEATURES,)), self._target_as_source()),
        ]

    def _discriminator(self, name: str) -> Phase:
        return Phase(name, ("discriminator",), {"learning_rate": self.adaptation.discriminator_rate})

    def _shape_kept(self) -> list[Terms]:
        return [self.shape_kept] if self.adaptation.lambda2 else []

    def _target_as_source(self) -> list[Terms]:
        return [self.target_as_source] if self.adaptation.lambda1 else []


TASKS: dict[str, type[ShapeTask]] = {
    "none": ShapeTask,
    "generative": GenerativeTask,
    "reversal": AlignedTask,
    "coral": AlignedTask,
}


def shape_task(network: DASHapeNet, given: DomainTraining, adaptation: AdaptationSettings) -> ShapeTask:
    """The task of an adaptation; what it has besides F and R gets weights by torch's own generator."""
    return TASKS[adaptation.adaptation](network, given, adaptation)


def collapses(history: Sequence[Mapping[str, Mapping[str, float]]]) -> list[int]:
    """The epochs of a training's history in which D and G had collapsed; a result with any must say so."""
    return [epoch for epoch, row in enumerate(history) if row["watch"].get("collapsed")]
