"""What paper 1 says its tables show, each statement with the comparisons that decide it.

The statements are in our words; `source` says where the paper makes them, and "our reading" where it does not, and the
statement is read off its tables. A claim holds when all its comparisons are positive. Effect sizes are not comparable
between the paper's photographs and ours, so a claim is about signs, save where the paper states a least size; and where
it speaks of about equal rates, they may differ by `LEVEL_WITHIN` points, as the paper says no number. "On average"
means over all poses together on FaceScape, and on ARL-VTF the mean that table III prints (`metrics.AVERAGE`). What its
own printed numbers contradict says so in `slip`.
"""

from __future__ import annotations

from itertools import pairwise

from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.metrics import ARL_AVERAGE, METRICS, SILHOUETTE
from facelib.papers.paper import Claim, Comparison

FRONTAL, PROFILE, POOLED = "tar_at_far_1pct/0-10", "tar_at_far_1pct/90+", "tar_at_far_1pct"
ARL_POSE, ARL_FRONTAL = (f"arl_vtf.tar_at_far_1pct{ending}" for ending in ("/pose", "/frontal"))
POSES = tuple(f"tar_at_far_1pct/{name}" for name in ("0-10", "10-30", "30-60", "60-90", "90+"))

OTHER_ROWS_OF_TABLE_1 = (
    *("ir18_mmd", "ir18_coral", "ir18_cmid", "ir18_rst", "ir18_ts", "ir18_rst_ts", "ghostfacenet_ts", "dream_ts"),
    "crosspoint",
)
OTHERS_ON_ARL_VTF = ("crosspoint", "dream", "ghostfacenet", "ir18_mmd", "ir18_coral", "ir18_imid_cmid")
BACKBONES = ("vgg16", "resnet18", "resnet50", "dream", "ghostfacenet", "ir18")
LEVEL_WITHIN = 2.0  # points


def more(method: str, than: str, metric: str, least: float = 0.0) -> Comparison:
    """The method's rate is higher."""
    margin = f" by more than {least:g} points" if least else ""
    comparison = f"{_label(method)} above {_label(than)}{margin}, {METRICS[metric].phrase}"
    return Comparison(comparison, ((1.0, method, metric), (-1.0, than, metric)), least)


def less(method: str, than: str, metric: str) -> Comparison:
    """The method's rate, an error, is lower."""
    comparison = f"{_label(method)} below {_label(than)}, {METRICS[metric].phrase}"
    return Comparison(comparison, ((1.0, than, metric), (-1.0, method, metric)))


def level(method: str, other: str, metric: str) -> tuple[Comparison, Comparison]:
    """The rates are about equal: neither is higher by LEVEL_WITHIN points (two one-sided tests)."""
    metric_phrase = METRICS[metric].phrase
    pairs = ((method, other), (other, method))
    lower, upper = (
        Comparison(
            f"{_label(one)} at most {LEVEL_WITHIN:g} points below {_label(two)}, {metric_phrase}",
            ((1.0, one, metric), (-1.0, two, metric)),
            -LEVEL_WITHIN,
        )
        for one, two in pairs
    )
    return lower, upper


def falls(method: str, metric: str, to: str) -> Comparison:
    """A method's rate falls from one pose to another."""
    comparison = f"{_label(method)} at {METRICS[metric].phrase} above {METRICS[to].phrase}"
    return Comparison(comparison, ((1.0, method, metric), (-1.0, method, to)))


def smaller_drop(method: str, than: str) -> Comparison:
    """The method loses less from frontal to profile."""
    parts = ((1.0, than, FRONTAL), (-1.0, than, PROFILE), (-1.0, method, FRONTAL), (1.0, method, PROFILE))
    return Comparison(f"{_label(method)} drops less than {_label(than)}, 0-10° to 90°+", parts)


def _label(method: str) -> str:
    return METHODS[method].label


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "profile_over_regularisers",
        "Beyond 90°, JAM + JE accepts more than every other method of table I",
        "table I, section V.D",
        tuple(more("jam_je", other, PROFILE) for other in OTHER_ROWS_OF_TABLE_1),
    ),
    Claim(
        "lead_in_profile",
        "Beyond 90°, JAM + JE leads every competitor by at least 7.1 points (7.05, rounded)",
        "abstract, table I",
        tuple(more("jam_je", other, PROFILE, least=7.05) for other in OTHER_ROWS_OF_TABLE_1),
    ),
    Claim(
        "profile_over_crosspoint",
        "Beyond 90°, JAM + JE is ahead of CrossPoint (by 7.8 points in print)",
        "table I, section V.D",
        (more("jam_je", "crosspoint", PROFILE),),
    ),
    Claim(
        "joint_attention_over_images_alone",
        "JAM, with joint entropy or without, is above plain IR-18 over all poses and beyond 90°",
        "tables I and II, our reading",
        tuple(more(name, "ir18", metric) for name in ("jam", "jam_je") for metric in (POOLED, PROFILE)),
    ),
    Claim(
        "entropy_helps_profile",
        "Beyond 90°, joint entropy adds to joint attention",
        "table I, section V.F",
        (more("jam_je", "jam", PROFILE),),
    ),
    Claim(
        "attention_alone_on_average",
        "Over all poses of FaceScape, JAM is better without joint entropy",
        "table I, section V.D",
        (more("jam", "jam_je", POOLED), more("jam", "jam_je", "auc"), less("jam", "jam_je", "eer")),
    ),
    Claim(
        "attention_alone_before_profile",
        "Up to 90°, JAM without joint entropy is better in each bin",
        "table I, section V.D",
        tuple(more("jam", "jam_je", pose) for pose in POSES[:-1]),
    ),
    Claim(
        "attention_best_before_profile",
        "Up to 90° and over all poses, JAM accepts more than every other method of table I",
        "table I, section V.D",
        tuple(more("jam", other, pose) for other in OTHER_ROWS_OF_TABLE_1 for pose in (*POSES[:-1], POOLED)),
    ),
    Claim(
        "entropy_costs_little",
        "Up to 90° and over all poses, JAM is level with and without joint entropy (marginal, in the paper's word)",
        "table I, section V.D",
        tuple(one for pose in (*POSES[:-1], POOLED) for one in level("jam", "jam_je", pose)),
    ),
    Claim(
        "drop_below_crosspoint",
        "JAM + JE loses less from frontal to profile than CrossPoint",
        "table I, section V.D",
        (smaller_drop("jam_je", "crosspoint"),),
    ),
    Claim(
        "smallest_drop",
        "JAM + JE loses least from frontal to profile of all rows of table I",
        "table I, our reading",
        tuple(smaller_drop("jam_je", other) for other in (*OTHER_ROWS_OF_TABLE_1, "jam")),
    ),
    Claim(
        "frontal_roc",
        "In frontal views, JAM + JE has a higher AUC and a lower EER than CrossPoint and JAM",
        "figure 3a, section V.D",
        tuple(
            compare("jam_je", other, metric)
            for other in ("crosspoint", "jam")
            for compare, metric in ((more, "auc/0-10"), (less, "eer/0-10"))
        ),
    ),
    Claim(
        "profile_roc",
        "In profile, JAM + JE has the higher AUC, but JAM the lower EER",
        "figure 3b, section V.D",
        (more("jam_je", "crosspoint", "auc/90+"), more("jam_je", "jam", "auc/90+"), less("jam", "jam_je", "eer/90+")),
    ),
    Claim(
        "separation_of_identities",
        "JAM + JE keeps frontal and profile views of a person together better than CrossPoint (silhouette of identity)",
        "figure 4, section V.E",
        (more("jam_je", "crosspoint", SILHOUETTE),),
    ),
    Claim(
        "adaptation_helps_profile",
        "Beyond 90°, MMD, CMID and RST add to IR-18 alone",
        "tables I and II, our reading",
        tuple(more(name, "ir18", PROFILE) for name in ("ir18_mmd", "ir18_cmid", "ir18_rst")),
    ),
    Claim(
        "teacher_hurts",
        "A 3D teacher (TS) lowers the rate of IR-18 and of IR-18 with RST",
        "tables I and II, our reading",
        tuple(
            more(without, with_, metric)
            for without, with_ in (("ir18", "ir18_ts"), ("ir18_rst", "ir18_rst_ts"))
            for metric in (POOLED, PROFILE)
        ),
    ),
    Claim(
        "weaker_students",
        "With a teacher too, GhostFaceNets and DREAM stay below IR-18",
        "table I, our reading",
        tuple(more("ir18_ts", other, POOLED) for other in ("ghostfacenet_ts", "dream_ts")),
    ),
    Claim(
        "order_of_clouds",
        "Clouds: PointNet++ is above DGCNN, and DGCNN above PointCNN",
        "table II, section V.F",
        (more("pointnet2", "dgcnn", POOLED), more("dgcnn", "pointcnn", POOLED)),
    ),
    Claim(
        "clouds_win_in_profile",
        "Beyond 90°, PointNet++ and DGCNN are above every 2D backbone",
        "table II, our reading",
        tuple(more(cloud, image, PROFILE) for cloud in ("pointnet2", "dgcnn") for image in BACKBONES),
    ),
    Claim(
        "best_backbone",
        "IR-18 is the best 2D backbone over all poses",
        "table II, section V.F",
        tuple(more("ir18", other, POOLED) for other in BACKBONES if other != "ir18"),
    ),
    Claim(
        "resnet50_in_profile",
        "Beyond 90°, ResNet-50 and IR-18 are level (a very small minutia, in the paper's words)",
        "table II, section V.F",
        level("resnet50", "ir18", PROFILE),
    ),
    Claim(
        "weakest_backbone",
        "VGG-16 is the weakest 2D backbone over all poses",
        "table II, our reading",
        tuple(more(other, "vgg16", POOLED) for other in BACKBONES if other != "vgg16"),
    ),
    Claim(
        "rates_fall_with_pose",
        "The rate of every 2D backbone falls from each pose bin to the next",
        "table II, section I",
        tuple(falls(name, near, far) for name in BACKBONES for near, far in pairwise(POSES)),
    ),
    Claim(
        "entropy_transfers",
        "On the other data set, joint entropy adds to joint attention in turned and frontal views and on average",
        "table III, sections V.D and V.F",
        tuple(more("jam_je", "jam", metric) for metric in (ARL_POSE, ARL_FRONTAL, ARL_AVERAGE)),
    ),
    Claim(
        "best_average_on_arl_vtf",
        "On the other data set, JAM + JE has the highest rate on average",
        "table III, section V.D",
        tuple(more("jam_je", other, ARL_AVERAGE) for other in (*OTHERS_ON_ARL_VTF, "ir18_frontal", "jam")),
    ),
    Claim(
        "best_roc_on_arl_vtf",
        "On the other data set, JAM + JE has the lowest EER and the highest AUC",
        "table III, section V.D; of AUC our reading",
        tuple(
            compare("jam_je", other, metric)
            for other in (*OTHERS_ON_ARL_VTF, "ir18_frontal", "jam")
            for compare, metric in ((less, "arl_vtf.eer"), (more, "arl_vtf.auc"))
        ),
    ),
    Claim(
        "lead_on_arl_vtf",
        "In turned views of the other data set, JAM + JE leads every competitor by at least 1.57 points",
        "abstract, table III",
        tuple(more("jam_je", other, ARL_POSE, least=1.57) for other in OTHERS_ON_ARL_VTF),
        slip="1.57 points are the lead over CrossPoint; over DREAM the table gives 1.069.",
        contradicts_its_table=True,
    ),
    Claim(
        "training_on_target_frontals",
        "Training on the target's frontal images wins frontal views and loses turned ones against JAM + JE",
        "table III, section V.D",
        (more("ir18_frontal", "jam_je", ARL_FRONTAL), more("jam_je", "ir18_frontal", ARL_POSE)),
        slip="The text gives 2.605 and 26.128 points; its table 20.605 and 26.138.",
    ),
)
