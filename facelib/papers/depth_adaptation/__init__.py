"""Paper 4: DASHapeNet and DAPoseNet, face and head pose from one depth frame by domain-adaptive learning.

settings    how domains are brought together; run_settings: what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a run reads, at a tier's size
networks    built at a tier's size, and the surface whose shape they tell
frames      what a step of training sees: labelled source frames, unlabelled target frames; domains: batches of them
shape_task  source only, and embeddings drawn together; generative_task: AR-GAN; pose_task: DAPoseNet's two stages
readers     what each method reads off frames; truth: the faces they are compared with; protocol: their errors;
            bootstrap: their intervals
building    a method's task and its evaluation
ict         what trained runs are judged by afterwards, where ICT-FaceKit is imported; other_sensor: and embreex is
trained     networks of runs and those that ship; shipping: how they are made to; reconstruction: one frame, one head
steps       what facelib.papers.run calls of all this
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.depth_adaptation.claims import CLAIMS
from facelib.papers.depth_adaptation.methods import METHODS, DepthReader
from facelib.papers.depth_adaptation.metrics import METRICS, TABLES
from facelib.papers.depth_adaptation.run_settings import TIERS, DepthRunSettings, relevant
from facelib.papers.evaluations import Evaluation
from facelib.papers.paper import Paper, Steps

if TYPE_CHECKING:
    from facelib.papers.depth_adaptation import ict, other_sensor, steps
    from facelib.papers.evaluations import EvaluationSteps

    _evaluated: tuple[EvaluationSteps, ...] = (ict, other_sensor)
    _checked: Steps[DepthReader, DepthRunSettings] = steps

IMPORTED_BY = "facelib faces import-ict FOLDER"
PAPER: Paper[DepthReader, DepthRunSettings] = Paper(
    name="depth_adaptation",
    module=f"{__name__}.steps",
    number=4,
    title="Single Depth Image 3D Face Reconstruction via Domain Adaptive Learning",
    folder="4_depth_adaptation",
    headline="fitting",
    methods=METHODS,
    published=DepthRunSettings(),
    tiers=TIERS,
    relevant=relevant,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
    failed_as="the mean face, or a frontal head",
    evaluations={
        "ict": Evaluation("heads of ICT-FaceKit", f"{__name__}.ict", IMPORTED_BY),
        "flight": Evaluation(
            "heads of ICT-FaceKit before another sensor",
            f"{__name__}.other_sensor",
            f"{IMPORTED_BY} and pip install embreex",
        ),
    },
)
