"""Paper 3: SADRNet, dense alignment and reconstruction (Ruan, Zou, Wu, Wu and Wang).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a run reads, at a tier's size
networks    built at a tier's size; maps: the truth that they learn; photographs: off whom
tasks, encoder_task   what the training loop is given; objective: the losses; building: a method's task
protocol    errors of single photographs, and the tables' metrics; bootstrap: their intervals
shape_protocol, recognition, posed_distance   what is told of the person; FaceScape's convention
ict         what trained runs are judged by afterwards, where ICT-FaceKit is imported
reconstruction   a trained network on one photograph; trained: which one; encoded_face: a face encoder as such a network
shipping    a run's network as a file that comes with the package
steps       what facelib.papers.run calls of all this
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.evaluations import Evaluation
from facelib.papers.paper import Paper, Steps
from facelib.papers.sadrnet.claims import CLAIMS
from facelib.papers.sadrnet.methods import METHODS, Reconstructor
from facelib.papers.sadrnet.metrics import METRICS, TABLES, remark
from facelib.papers.sadrnet.settings import TIERS, ReconstructionSettings, relevant

if TYPE_CHECKING:
    from facelib.papers.evaluations import EvaluationSteps
    from facelib.papers.sadrnet import ict, steps

    _evaluated: EvaluationSteps = ict
    _checked: Steps[Reconstructor, ReconstructionSettings] = steps

PAPER: Paper[Reconstructor, ReconstructionSettings] = Paper(
    name="sadrnet",
    module=f"{__name__}.steps",
    number=3,
    title="SADRNet: Self-Aligned Dual Face Regression Networks for Robust 3D Dense Face Alignment and Reconstruction",
    folder="3_sadrnet",
    headline="sparse_2d",
    methods=METHODS,
    published=ReconstructionSettings(),
    tiers=TIERS,
    relevant=relevant,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
    failed_as="the mean face in the true box",
    remark=remark,
    evaluations={"ict": Evaluation("heads of ICT-FaceKit", f"{__name__}.ict", "facelib faces import-ict FOLDER")},
)
