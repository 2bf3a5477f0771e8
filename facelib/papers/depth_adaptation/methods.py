"""The methods of paper 4: DASHapeNet and DAPoseNet, what section 3 of the supplement leaves out or changes, and ours.

Rows beside which the paper prints no number are ours: the usual alternatives for two domains (DANN, CORAL), upper
bounds that learn from labelled frames of the sensor, and what a user does without learning: the mean face, a face model
fitted to the cloud, a head tracked by ICP. Shapes are told by all rows of one kind, poses by those of the other.
"""

from __future__ import annotations

from typing import Any

from facelib.geometry.depth_view import FACE_VIEW
from facelib.papers.paper import BASELINE, Method

SHAPE, POSE = "shape", "pose"  # kinds, and what a method reads
MEAN_FACE, ICP_FACE, MODEL_FIT = "mean_face", "icp_face", "model_fit"
FRONTAL, ICP_TRACKING = "frontal", "icp_tracking"
POSE_BASELINES = (FRONTAL, ICP_TRACKING)
GROUP_1, GROUP_2, ICT_3DHP = "group_1", "group_2", "ict_3dhp"  # sets of poses

Rows = tuple[tuple[str, str | None], ...]


class DepthReader(Method):
    """One system; its kind is "shape" or "pose", or "baseline", which is not trained."""

    @property
    def reads(self) -> str:
        """SHAPE or POSE."""
        if self.kind != BASELINE:
            return self.kind
        return POSE if self.name in POSE_BASELINES else SHAPE

    @property
    def stage(self) -> str:
        return "pose_training" if self.kind == POSE else super().stage

    @property
    def pose_sets(self) -> tuple[str, ...]:
        """Those it is evaluated on; one that learns from frames of a data set, on what it leaves of that one alone."""
        if self.kind == BASELINE:
            return (GROUP_1, GROUP_2, ICT_3DHP)
        own: str = self.changes.get("frames.pose_set", GROUP_1)
        unseen = self.changes.get("pose.target_epochs") == 0 and self.changes.get("frames.labels") != "target"
        return (GROUP_1, GROUP_2) if unseen and own == GROUP_1 else (own,)

    def describe(self) -> dict[str, str]:
        if self.kind == BASELINE:
            return {"reads": self.reads, "labels": "", "unlabelled": "", "adaptation": ""}
        labels = self.changes.get("frames.labels", "rendered")
        if self.kind == SHAPE:
            name = self.changes.get("adaptation.adaptation", "generative")
            weights = [f"{key} {self.changes[f'adaptation.{key}']:g}" for key in ("lambda1", "lambda2", "alignment")
                       if f"adaptation.{key}" in self.changes]  # fmt: skip
            words = "" if name == "none" else ", ".join((name, *weights))
            if self.changes.get("adaptation.alignment") == 0:  # of CORAL nothing is left but its batches
                words = "none, both domains in a batch"
            return {"reads": SHAPE, "labels": labels, "unlabelled": "sensor" * (name != "none"), "adaptation": words}
        stages = [self.changes.get(f"pose.{stage}_epochs", 1) > 0 for stage in ("source", "target")]
        words = " and ".join(
            word for word, there in zip(("supervised", "self-supervised"), stages, strict=True) if there
        )
        return {"reads": POSE, "labels": labels * stages[0], "unlabelled": "sensor" * stages[1], "adaptation": words}


def _dotted(changes: dict[str, Any]) -> dict[str, Any]:
    """Names of settings with _ for the first dot."""
    return {name.replace("_", ".", 1): value for name, value in changes.items()}


def _shape(name: str, label: str, source: str, rows: Rows = (), **changes: Any) -> DepthReader:
    others = tuple(row for row in OF_SHAPES if row[0] not in dict(rows))
    return DepthReader(name, label, SHAPE, source, (*rows, *others), changes=_dotted(OF_FACES | changes))


def _pose(name: str, label: str, source: str, rows: Rows, **changes: Any) -> DepthReader:
    return DepthReader(name, label, POSE, source, (*rows, *OF_POSES), changes=_dotted(changes))


def _baseline(name: str, label: str, rows: Rows) -> DepthReader:
    seen = {} if name in POSE_BASELINES else OF_FACES
    return DepthReader(name, label, BASELINE, "ours", rows, changes=_dotted(seen))


OF_FACES = {"network_reach_mm": FACE_VIEW.reach / 2, "network_before_mm": FACE_VIEW.before}  # shapes are read off
OF_SHAPES: Rows = (("figure_5", None), ("shape", None), ("ict", None), ("flight", None))
OF_POSES: Rows = (("ict_pose", None), ("flight_pose", None))
BOTH_GROUPS: Rows = (("3_group_1", None), ("3_group_2", None))

METHODS: dict[str, DepthReader] = {
    method.name: method
    for method in (
        _shape("dashapenet", "DASHapeNet", "section 1",
               (("figure_5", "Ours"), ("amount", None), ("lambda1", None))),
        _shape("source_only", "Source only", "ours", (("amount", None), ("lambda1", None)),
               adaptation_adaptation="none"),
        # With both weights at zero G and D would learn beside F and never reach it: the same F without them.
        _shape("no_argan", "Without AR-GAN, both domains in a batch", "section 3.3", (("lambda1", None),),
               adaptation_adaptation="coral", adaptation_alignment=0.0),
        _shape("no_target", "Without L_Dadv,t (lambda1 = 0)", "section 3.3", (("lambda1", None),),
               adaptation_lambda1=0.0),
        _shape("no_dreg", "Without L_Dreg (lambda2 = 0)", "section 3.3", (("lambda1", None),), adaptation_lambda2=0.0),
        _shape("lambda1_0_3", "lambda1 = 0.3, without L_Dreg", "figure 9", (("lambda1", None),),
               adaptation_lambda1=0.3, adaptation_lambda2=0.0),
        _shape("lambda1_3", "lambda1 = 3, without L_Dreg", "figure 9", (("lambda1", None),),
               adaptation_lambda1=3.0, adaptation_lambda2=0.0),
        _shape("once", "As many source frames as target frames", "figures 7 and 8", (("amount", None),),
               frames_times=1),
        _shape("twice", "Twice as many", "figures 7 and 8", (("amount", None),), frames_times=2),
        _shape("dann", "DANN", "ours", adaptation_adaptation="reversal"),
        _shape("coral", "CORAL", "ours", adaptation_adaptation="coral", adaptation_alignment=1.0),
        _shape("sensed_labels", "Labelled frames of the sensor (upper bound)", "ours",
               adaptation_adaptation="none", frames_labels="sensed"),
        _baseline(MODEL_FIT, "Face model fitted to the cloud", OF_SHAPES),
        _baseline(ICP_FACE, "Mean face fitted by ICP, with its size", OF_SHAPES),
        _baseline(MEAN_FACE, "Mean face", OF_SHAPES),
        _pose("dapose", "DAPoseNet", "section 1", (("3_group_1", "Ours"), ("5", "Model-3"))),
        _pose("dapose_2", "DAPoseNet, group 2", "section 2.2", (("3_group_2", "Ours"),), frames_pose_set=GROUP_2),
        _pose("dapose_ict", "DAPoseNet, ICT-3DHP", "section 2.2", (("4", "Ours"),), frames_pose_set=ICT_3DHP),
        _pose("pose_source", "Supervised on source frames", "section 3.2", (("5", "Model-1"), *BOTH_GROUPS),
              pose_target_epochs=0),
        _pose("pose_target", "Self-supervised on target frames", "section 3.2", (("5", "Model-2"),),
              pose_source_epochs=0),
        _pose("pose_source_ict", "Supervised on source frames, ICT-3DHP", "section 3.2", (("4", None),),
              frames_pose_set=ICT_3DHP, pose_target_epochs=0),
        _pose("pose_sensed_labels", "Labelled frames of the sensor (upper bound)", "ours",
              (("5", None), *BOTH_GROUPS), pose_target_epochs=0, frames_labels="sensed"),
        _pose("pose_biwi_labels", "Labelled frames of Biwi, group 2", "ours", (("3_group_2", None),),
              pose_target_epochs=0, frames_labels="target", frames_pose_set=GROUP_2),
        _baseline(ICP_TRACKING, "Mean face tracked by ICP", (*BOTH_GROUPS, ("4", None), ("5", None), *OF_POSES)),
        _baseline(FRONTAL, "Frontal head", (*BOTH_GROUPS, ("4", None), ("5", None), *OF_POSES)),
    )
}  # fmt: skip
