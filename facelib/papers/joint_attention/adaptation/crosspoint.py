"""CrossPoint by itself (section V): IMID and CMID of the features of ResNet-50 and DGCNN, and nothing else.

Its printed row names neither AdaFace nor a pretraining, so the networks start afresh and no classifier is trained:
whose face a photograph shows is known only in that its cloud is the same person's.
"""

from __future__ import annotations

from facelib.models.blocks import scaled
from facelib.models.crosspoint import projection
from facelib.papers.joint_attention.adaptation.correspondence import Correspondence
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Term

BOTH = ("imid", "cmid")
HALF = 1024  # of the features of either network at width 1


def build_terms(names: tuple[str, ...], settings: RecognitionSettings) -> list[Term]:
    """The two terms, which share projections of the features; they weigh the same, as in CrossPoint."""
    features = 2 * scaled(HALF, settings.network.width)
    return [Correspondence(BOTH, projection("cloud", features), projection("image", features), 1.0)]
