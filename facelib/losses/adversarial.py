"""The losses of AR-GAN (paper 4, supplement, eqs. 1-5), and numbers that show whether its training works.

D tells rendered images from those that G draws of embeddings, and reads the shape off them. Everything is computed from
D's logits, -log(sigmoid(l)) = softplus(-l) and -log(1 - sigmoid(l)) = softplus(l), which stay finite where a sigmoid
and its logarithm do not.

Two of the paper's signs are options. Eq. 3 lets G minimise log(1 - D), whose gradient vanishes while D wins; in eq. 5 F
minimises -log(1 - D) of target images, which would make them look drawn, although the text wants them as
source-like as possible. "usual" is -log D in both, as in the published code of "Generate To Adapt".
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_alike, check_floating, check_shape, unknown_name

Signs = Literal["usual", "printed"]


def real_loss(logits: torch.Tensor) -> torch.Tensor:
    """-log D(x), the mean over images; what D pays for rendered ones (eq. 1), and G for its own.

    Args:
        logits: (B,) of D.

    Returns:
        A scalar in nats.

    Raises:
        BadInput: on another shape or dtype.
    """
    _check_logits(logits=logits)
    return functional.softplus(-logits).mean()


def drawn_loss(logits: torch.Tensor) -> torch.Tensor:
    """-log(1 - D(x)), the mean over images: what D pays for those that G has drawn (eq. 1); as `real_loss`."""
    _check_logits(logits=logits)
    return functional.softplus(logits).mean()


def generator_loss(logits: torch.Tensor, signs: Signs = "usual") -> torch.Tensor:
    """What G pays for an image that D does not take for a rendered one, the first term of eq. 3.

    Args:
        logits: (B,) of D, of images drawn of source embeddings.
        signs: "usual", -log D; "printed", log(1 - D), which is not above zero.

    Returns:
        A scalar in nats.

    Raises:
        BadInput: on another shape or dtype.
        UnknownName: for other signs.
    """
    return -drawn_loss(logits) if _printed(signs) else real_loss(logits)


def target_loss(logits: torch.Tensor, signs: Signs = "usual") -> torch.Tensor:
    """What F pays for target embeddings of which G draws other images than source ones, L_Dadv,t of eq. 5.

    Args:
        logits: (B,) of D, of images drawn of target embeddings.
        signs: "usual", -log D; "printed", -log(1 - D), which is what D itself minimises.

    Returns:
        A scalar in nats.

    Raises:
        BadInput, UnknownName: as `generator_loss`.
    """
    return drawn_loss(logits) if _printed(signs) else real_loss(logits)


def shape_loss(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """smooth_L1 of a shape, the mean over images and their numbers (eqs. 2 to 4); from 1 on it grows linearly.

    Args:
        found: (B, N) displacements in mm, or coefficients.
        true: of the same shape and unit.

    Raises:
        BadInput: on wrong or different shapes.
    """
    check_shape("found", found, (None, None))
    check_shape("true", true, tuple(found.shape))
    check_alike(found=found, true=true)
    return functional.smooth_l1_loss(found, true)


class AdversarialHealth(NamedTuple):
    """How D and G stand against one another.

    Args:
        real, drawn_source, drawn_target: share of the images that D judges rightly, 0 to 1: rendered ones, and those
            drawn of source and of target embeddings.
        diversity: how much those drawn of source embeddings differ, over how much rendered ones do; see `diversity`.
    """

    real: float
    drawn_source: float
    drawn_target: float
    diversity: float


def judged_rightly(logits: torch.Tensor, real: bool) -> torch.Tensor:
    """Share of images (B,) that D takes for what they are, a scalar; at a logit of 0 it calls them drawn."""
    _check_logits(logits=logits)
    return ((logits > 0) == real).float().mean()


def diversity(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean distance between two of the drawn images over that between two real ones: 0 where G always draws the same.

    Args:
        drawn: (B, ...) images of G.
        real: (C, ...) images of the same size; B and C at least 2.

    Returns:
        A scalar.

    Raises:
        BadInput: on different sizes, single images, or real ones that are all the same.
    """
    check_shape("real", real, (len(real), *drawn.shape[1:]))
    check_alike(drawn=drawn, real=real)
    if min(len(drawn), len(real)) < 2:
        raise BadInput(f"{len(drawn)} drawn and {len(real)} real images: expected at least two of each")
    apart = torch.pdist(real.flatten(1)).mean()
    if apart == 0:
        raise BadInput(f"all {len(real)} real images are the same: expected different ones to compare with")
    return torch.pdist(drawn.flatten(1)).mean() / apart


# Shares and diversities at which a training counts as collapsed; healthy ones stay well away from them.
SURE, LEAST_DIVERSITY = 0.99, 0.1


def collapse(health: AdversarialHealth) -> str | None:
    """What is wrong with an epoch's means in words, None if nothing is.

    A D that calls all images drawn is not among it: eq. 1 has two drawn images to a rendered one, so where it cannot
    tell them apart, which is what G and F aim at, its logit is -ln 2.
    """
    judged = {"real": health.real, "drawn source": health.drawn_source, "drawn target": health.drawn_target}
    shares = ", ".join(f"{name} {share:.3f}" for name, share in judged.items())
    if health.diversity < LEAST_DIVERSITY:
        return f"G draws almost the same image of every face: diversity {health.diversity:.3f} of the real images'"
    if min(judged.values()) > SURE:
        return f"D is never wrong, so that G and F learn nothing from it (judged rightly: {shares})"
    return None


def _printed(signs: Signs) -> bool:
    if signs not in get_args(Signs):
        raise unknown_name("signs of adversarial losses", signs, get_args(Signs))
    return signs == "printed"


def _check_logits(logits: torch.Tensor) -> None:
    check_shape("logits", logits, (None,))
    check_floating(logits=logits)
