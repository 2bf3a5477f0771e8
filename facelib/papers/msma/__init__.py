"""Paper 5: MSMA, coefficients of a face model from one photograph, learnt through a differentiable renderer (Cao, Yin).

settings    what a run consists of, and the tiers
methods     the rows of the tables; claims: what the paper says they show; metrics: what they are evaluated by
data_sets   which ones a run reads, at a tier's size; photographs: those that a run learns from
detection   faces on photographs of which nothing is known; detected_sets, detected_archive: licensed data sets of such
networks    built at a tier's size; face_renderer: from coefficients to a picture
objective   the losses of eq. 14; tasks: what the training loop is given; supervised: the upper bound's
fitting     coefficients of single photographs by descent, without a network
readers     what each method reads off photographs; protocol: its errors; bootstrap: their intervals
trained     networks of runs, and those that ship; shipping: how one becomes so
photograph_fit   one photograph, read and refined; fitted_face: the result; coefficient_file: kept, and read again
building    a method's task and its evaluation
steps       what facelib.papers.run calls of all this
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facelib.papers.msma.claims import CLAIMS
from facelib.papers.msma.methods import METHODS, FaceReader
from facelib.papers.msma.metrics import METRICS, TABLES, remark
from facelib.papers.msma.settings import TIERS, MSMARunSettings, relevant
from facelib.papers.paper import Paper, Steps

if TYPE_CHECKING:
    from facelib.papers.msma import steps

    _checked: Steps[FaceReader, MSMARunSettings] = steps

PAPER: Paper[FaceReader, MSMARunSettings] = Paper(
    name="msma",
    module=f"{__name__}.steps",
    number=5,
    title="MSMA: Multi-Scale Feature Fusion for Multi-Attribute 3D Face Reconstruction from Unconstrained Images",
    folder="5_msma",
    headline="florence",
    methods=METHODS,
    published=MSMARunSettings(),
    tiers=TIERS,
    relevant=relevant,
    metrics=METRICS,
    tables=TABLES,
    claims=CLAIMS,
    remark=remark,
    failed_as="the mean face on the detected landmarks",
)
