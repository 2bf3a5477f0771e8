"""Paper 2: 3D recognition by normal component images, learnt from faces reconstructed from photographs (Yu et al.).

settings        what a run consists of, and the tiers
methods         the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets       which ones a run reads, at a tier's size
networks        recognisers of one component or of all, and reconstructors, built at a tier's size
reconstructors  from photographs to coefficients of the face model, by whatever a row names; fidelity: how well
photographs     what reconstructors learn from
tasks           what the training loop is given
identification  what networks make of images; protocol: ranks on all data sets; bootstrap: their intervals
ict             the same protocol on heads that our face model did not make
building        a method's task and its evaluation
trained         ExpNet as it ships; shipping: it and the three networks become models of the package
steps           what facelib.papers.run calls of all this
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.evaluations import Evaluation
from facelib.papers.normal_components.claims import CLAIMS
from facelib.papers.normal_components.methods import METHODS, NormalRecogniser
from facelib.papers.normal_components.metrics import METRICS, TABLES
from facelib.papers.normal_components.settings import TIERS, RecognitionSettings, relevant
from facelib.papers.paper import Paper, Steps

if TYPE_CHECKING:
    from facelib.papers.normal_components import steps

    _checked: Steps[NormalRecogniser, RecognitionSettings] = steps

PAPER: Paper[NormalRecogniser, RecognitionSettings] = Paper(
    name="normal_components",
    module=f"{__name__}.steps",
    number=2,
    title="Enhancing 3D Face Recognition: Achieving Significant Gains via 2D-Aided Generative Augmentation",
    folder="2_normal_components",
    headline="merged",
    methods=METHODS,
    published=RecognitionSettings(),
    tiers=TIERS,
    relevant=relevant,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
    failed_as="missed",
    evaluations={
        "ict": Evaluation("scans of ICT-FaceKit's heads", f"{__name__}.ict", "facelib faces import-ict FOLDER")
    },
)
