"""What paper 3 says its tables show, each statement with the comparisons that decide it.

The statements are in our words; `source` says where the paper makes them. All metrics but the size are errors. Effect
sizes are not comparable between the paper's photographs and ours, so a claim is about signs, save where the paper says
that nothing changes or states a size. Row a of table IV stands for PRN in tables I and II too, whose framework it is,
and coefficients of the face model stand for 3DDFA.
"""

from __future__ import annotations

from itertools import pairwise

from facelib.papers.paper import Claim, Comparison
from facelib.papers.sadrnet.metrics import BY_POSE, METRICS, TASKS, YAWS

ALIGNMENT = TASKS[:4]
SHORT = {
    "sadrnet": "SADRNet",
    "direct": "row a",
    "regressed_pose": "row b",
    "no_attention": "row c",
    "direct_attention": "row d",
    "scratch_shape": "row e",
    "no_mesh_loss": "without mesh loss",
    "coefficients": "coefficients",
}
TABLES_1_AND_2 = (
    *(f"sparse_2d/{name}" for name in (*YAWS, "balanced")),
    *ALIGNMENT,
    *(f"reconstruction/{name}" for name in YAWS),
    *("reconstruction", "florence"),
)
PRINTED_OF_3DDFA = (*TABLES_1_AND_2[:8], "reconstruction", "florence")
SAME = 0.1  # points: less than what any part of the network brings in table IV
SAME_ANGLE = 0.1  # degrees


def lower(method: str, than: str, metric: str) -> Comparison:
    """The method's error is lower."""
    comparison = f"{SHORT[method]} below {SHORT[than]}, {_phrase(metric)}"
    return Comparison(comparison, ((1.0, than, metric), (-1.0, method, metric)))


def rises(method: str, metric: str, to: str) -> Comparison:
    """A method's error rises from one metric to another."""
    comparison = f"{SHORT[method]}: {_phrase(metric)} below {_phrase(to)}"
    return Comparison(comparison, ((1.0, method, to), (-1.0, method, metric)))


def smaller_rise(method: str, than: str, metric: str, to: str) -> Comparison:
    """The method's error rises less from one metric to another."""
    parts = ((1.0, than, to), (-1.0, than, metric), (-1.0, method, to), (1.0, method, metric))
    return Comparison(f"{SHORT[method]} rises less than {SHORT[than]}, {_phrase(metric)} to {_phrase(to)}", parts)


def about_equal(method: str, other: str, metric: str) -> tuple[Comparison, Comparison]:
    """Two methods differ by less than SAME, either way."""
    parts = ((1.0, other, metric), (-1.0, method, metric))
    words = f"{SHORT[method]} less than {SAME:g} points {{}} {SHORT[other]}, {_phrase(metric)}"
    opposite = tuple((-coefficient, name, part) for coefficient, name, part in parts)
    return Comparison(words.format("above"), parts, -SAME), Comparison(words.format("below"), opposite, -SAME)


def unchanged(method: str, metric: str, other: str, within: float) -> tuple[Comparison, Comparison]:
    """Two metrics of a method differ by less than this many degrees, either way."""
    words = f"{SHORT[method]}: {_phrase(other)} less than {within:g} degrees {{}} {_phrase(metric)}"
    return (
        Comparison(words.format("above"), ((1.0, method, metric), (-1.0, method, other)), -within),
        Comparison(words.format("below"), ((1.0, method, other), (-1.0, method, metric)), -within),
    )


def between(
    what: str, parts: tuple[tuple[float, str, str], ...], low: float, high: float
) -> tuple[Comparison, Comparison]:
    """A sum of metrics lies between two numbers."""
    unit = METRICS[parts[0][2]].difference_unit
    opposite = tuple((-coefficient, method, metric) for coefficient, method, metric in parts)
    return (
        Comparison(f"{what} above {low:g} {unit}", parts, low),
        Comparison(f"{what} below {high:g} {unit}", opposite, -high),
    )


def _phrase(metric: str) -> str:
    return METRICS[metric].phrase


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "attention_helps",
        "Attention lowers SADRNet's error in sparse and dense alignment and in reconstruction",
        "table IV, section IV.E",
        tuple(lower("sadrnet", "no_attention", metric) for metric in TASKS),
    ),
    Claim(
        "attention_helps_direct_regression",
        "Attention lowers the error of a directly regressed position map as well",
        "table IV, section IV.E",
        tuple(lower("direct_attention", "direct", metric) for metric in TASKS),
    ),
    Claim(
        "attention_helps_pose",
        "Without attention, the face's orientation is estimated less well",
        "section IV.E, figure 10",
        tuple(lower("sadrnet", "no_attention", metric) for metric in ("pose_error", "geodesic_error")),
    ),
    Claim(
        "attention_helps_under_occlusion",
        "Without attention, occluded faces suffer more than free ones",
        "section IV.E, figure 10",
        tuple(smaller_rise("sadrnet", "no_attention", f"{name}/free", f"{name}/occluded") for name in BY_POSE),
    ),
    Claim(
        "self_alignment_helps",
        "A pose by self-alignment aligns better than one regressed from image features",
        "table IV, section IV.E",
        tuple(lower("no_attention", "regressed_pose", metric) for metric in ALIGNMENT),
    ),
    Claim(
        "regressed_pose_reconstructs",
        "With a regressed pose, reconstruction is slightly better than with self-alignment",
        "table IV, section IV.E",
        (lower("regressed_pose", "no_attention", "reconstruction"),),
    ),
    Claim(
        "two_stages_help",
        "Refinement in two stages beats direct regression in all three tasks",
        "table IV, section IV.E",
        tuple(lower("no_attention", "direct", metric) for metric in TASKS),
    ),
    Claim(
        "deformation_beats_scratch",
        "Regressing the deformation beats regressing the shape from scratch in all three tasks",
        "table IV, section IV.E",
        tuple(lower("sadrnet", "scratch_shape", metric) for metric in TASKS),
    ),
    Claim(
        "deformation_gains_more",
        "In reconstruction, SADRNet gains more by the deformation (over row e) than by attention (over row c)",
        "table IV, section IV.E",
        (lower("no_attention", "scratch_shape", "reconstruction"),),
    ),
    Claim(
        "direct_is_worst",
        "Directly regressed position maps reconstruct worst",
        "table IV",
        tuple(
            lower(method, direct, "reconstruction")
            for direct in ("direct", "direct_attention")
            for method in ("sadrnet", "regressed_pose", "no_attention", "scratch_shape")
        ),
    ),
    Claim(
        "mesh_loss_keeps_numbers",
        "The losses on the mesh change pictures and not numbers",
        "section IV.E, figure 11",
        tuple(each for metric in TASKS for each in about_equal("sadrnet", "no_mesh_loss", metric)),
    ),
    Claim(
        "large_poses_cost_alignment",
        "The larger the yaw, the worse the alignment, for SADRNet, PRN and 3DDFA",
        "table I",
        tuple(
            rises(method, f"sparse_2d/{near}", f"sparse_2d/{far}")
            for method in ("sadrnet", "direct", "coefficients")
            for near, far in pairwise(YAWS)
        ),
        slip="The paper's three ranges, weighted by their images, give SADRNet 3.01; its mean is printed as 3.05.",
    ),
    Claim(
        "large_poses_cost_reconstruction",
        "Turned faces are reconstructed worse than frontal ones, by SADRNet and by PRN",
        "table II",
        tuple(
            rises(method, "reconstruction/0-30", f"reconstruction/{far}")
            for method in ("sadrnet", "direct")
            for far in YAWS[1:]
        ),
    ),
    Claim(
        "robust_to_pose",
        "From frontal to turned faces, SADRNet's reconstruction loses less than PRN's",
        "table II, section IV.C",
        tuple(smaller_rise("sadrnet", "direct", "reconstruction/0-30", f"reconstruction/{far}") for far in YAWS[1:]),
    ),
    Claim(
        "ahead_of_prn",
        "SADRNet is ahead of PRN in every column of tables I and II",
        "tables I and II, sections IV.B and IV.C",
        tuple(lower("sadrnet", "direct", metric) for metric in TABLES_1_AND_2),
    ),
    Claim(
        "ahead_of_3ddfa",
        "SADRNet is ahead of 3DDFA in every column of tables I and II",
        "tables I and II, sections IV.B and IV.C",
        tuple(lower("sadrnet", "coefficients", metric) for metric in PRINTED_OF_3DDFA),
        slip="3DDFA's three ranges of yaw, weighted by their images, give 4.44; its mean is printed as 6.03.",
    ),
    Claim(
        "leads_more_in_3d",
        "SADRNet's lead over PRN is larger in 3D than in 2D",
        "table I, section IV.B",
        tuple(smaller_rise("sadrnet", "direct", f"{name}_2d", f"{name}_3d") for name in ("sparse", "dense")),
    ),
    Claim(
        "pitch_is_hardest",
        "Of the angles, yaw is estimated best and pitch worst",
        "table III",
        (rises("sadrnet", "yaw_error", "roll_error"), rises("sadrnet", "roll_error", "pitch_error")),
    ),
    Claim(
        "gimbal_lock",
        "Leaving out samples near gimbal lock lowers the errors of pitch and roll and leaves that of yaw",
        "table III, section IV.D",
        (
            rises("sadrnet", "fix.pitch_error", "pitch_error"),
            rises("sadrnet", "fix.roll_error", "roll_error"),
            *unchanged("sadrnet", "yaw_error", "fix.yaw_error", SAME_ANGLE),
        ),
    ),
    Claim(
        "model_size",
        "SADRNet takes about 60 MB, of which attention takes about 7",
        "table V, section IV.F",
        (
            *between("SADRNet's size", ((1.0, "sadrnet", "size_mb"),), 57, 63),
            *between(
                "Attention's size", ((1.0, "sadrnet", "size_mb"), (-1.0, "no_attention", "size_mb")), 6, 8
            ),
        ),
    ),
)  # fmt: skip
