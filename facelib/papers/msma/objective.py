"""The losses of paper 5 (eq. 14): what coefficients say a photograph looks like, against what it looks like."""

from __future__ import annotations

from collections.abc import Callable

import torch

from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.losses.coefficients import coefficient_loss, landmark_loss, landmark_weights, monochrome_loss
from facelib.losses.photometric import perceptual_loss, photometric_loss, reflectance_loss
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import FULL_SIZE, DrawnFace, FaceRenderer
from facelib.papers.msma.settings import WeakLossSettings

# Images (B, 3, S, S) and landmarks (B, 68, 2) of the faces on them -> Gamma, (B, D)
Recogniser = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class WeakObjective:
    """The weighted terms; one whose weight is 0 is left out.

    Args:
        renderer: of the faces.
        loss: weights.
        recogniser: Gamma of eq. 16; without one the perceptual term is left out.
    """

    def __init__(self, renderer: FaceRenderer, loss: WeakLossSettings, recogniser: Recogniser | None = None) -> None:
        self.renderer, self.loss, self.recogniser = renderer, loss, recogniser
        self.weights = landmark_weights(loss.weighting)  # omega

    def terms(self, coefficients: FaceCoefficients, faces: LandmarkedFaces) -> dict[str, torch.Tensor]:
        """The terms of eq. 14 by name, each times its weight.

        Args:
            coefficients: of the faces.
            faces: their photographs.
        """
        loss, drawn = self.loss, self.renderer(coefficients, faces.images)
        terms = {
            "photometric": (loss.photometric, lambda: self._photometric(drawn, faces)),
            "perceptual": (loss.perceptual if self.recogniser else 0.0, lambda: self._perceptual(drawn, faces)),
            "landmarks": (loss.landmarks, lambda: self.landmark_term(drawn.landmarks, faces)),
            "coefficients": (loss.coefficients, lambda: self.prior(coefficients)),
            "reflectance": (loss.reflectance, lambda: reflectance_loss(drawn.albedo, self.renderer.skin)),
            "light": (loss.light, lambda: monochrome_loss(coefficients.light)),
        }
        return {name: weight * term() for name, (weight, term) in terms.items() if weight > 0}

    def placing_terms(self, coefficients: FaceCoefficients, faces: LandmarkedFaces) -> dict[str, torch.Tensor]:
        """Those of `terms` that bring a face to its place, for which nothing is drawn: landmarks and the prior."""
        loss, projected = self.loss, self.renderer.landmarks_of(coefficients)
        return {
            "landmarks": loss.landmarks * self.landmark_term(projected, faces),
            "coefficients": loss.coefficients * self.prior(coefficients),
        }

    def landmark_term(self, projected: torch.Tensor, faces: LandmarkedFaces) -> torch.Tensor:
        """Eq. 17 in pixels of 224, so that its weight means the same at every size."""
        factor = FULL_SIZE / self.renderer.size
        return landmark_loss(factor * projected, factor * faces.landmarks, self.weights)

    def prior(self, coefficients: FaceCoefficients) -> torch.Tensor:
        """Eq. 18."""
        weights = (self.loss.identity, self.loss.expression, self.loss.albedo)
        return coefficient_loss(coefficients.identity, coefficients.expression, coefficients.albedo, weights)

    def _photometric(self, drawn: DrawnFace, faces: LandmarkedFaces) -> torch.Tensor:
        return photometric_loss(drawn.image, faces.images, drawn.mask * faces.skin)

    def _perceptual(self, drawn: DrawnFace, faces: LandmarkedFaces) -> torch.Tensor:
        assert self.recogniser is not None
        with torch.no_grad():
            expected = self.recogniser(faces.images, faces.landmarks)
        return perceptual_loss(self.recogniser(drawn.image.clamp(0, 1), drawn.landmarks), expected)
