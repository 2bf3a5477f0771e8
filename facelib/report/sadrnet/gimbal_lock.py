"""Figure 8 of paper 3: faces that look the right way though pitch and roll are said to be far off.

Three angles lose one degree of freedom where the middle one of the three turns is a right angle. Here that is pitch
(see `facelib.conventions`), and nobody lifts the head so far. In the files of 300W-LP and AFLW2000-3D, whose order is
R_x(pitch) R_y(yaw) R_z(roll), it is yaw, and every profile comes near it. So errors are shown in both orders.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from facelib.errors import BadInput
from facelib.geometry.rotations import matrix_to_euler
from facelib.metrics.pose_error import FIX_PITCH_OR_ROLL, FIX_YAW, aflw2000_angles, euler_errors, near_gimbal_lock
from facelib.papers.sadrnet.protocol import head_of, head_rotation
from facelib.report.overlay import enlarged, name_row, note_below, overlay_face, show
from facelib.report.sadrnet.predictions import Evaluator, Predictions
from facelib.report.style import PALETTE

YAW_FIRST, YAW_MIDDLE = "yaw first", "yaw in the middle"
ORDERS = {
    YAW_FIRST: "angles of this package:\nyaw, then pitch, then roll",
    YAW_MIDDLE: "angles of AFLW2000-3D's files:\npitch, then yaw, then roll",
}
MOST_CASES = 6
ANGLES = ("yaw", "pitch", "roll")
CASE_COLOUR = PALETTE[5]


def lock_data(evaluator: Evaluator, most: int = 400) -> pd.DataFrame:
    """Pose errors of photographs in degrees, in both orders of the angles.

    Those in the order of AFLW2000-3D, and the geodesic angle, are read from the scores of the network's run. These do
    not hold the sign of an error, so this package's order takes the predicted rotations.

    Args:
        evaluator: of one network.
        most: photographs, evenly over the data set.

    Returns:
        Columns row, true_yaw, order, yaw, pitch, roll (absolute errors), geodesic, and case: whether SADRNet-fix leaves
        the photograph out, as its pitch or roll error is above 20 and its yaw error below 5 degrees.

    Raises:
        BadInput: for an evaluator of several networks.
    """
    frames = []
    for rows in evaluator.portions(evaluator.spread(most)):
        predictions = evaluator.predict(rows)
        found, true = _rotations(predictions)
        (scores,) = predictions.scores.values()
        errors_by_order = {
            YAW_FIRST: euler_errors(_angles_with_yaw_first(found), _angles_with_yaw_first(true)),
            YAW_MIDDLE: np.rad2deg(scores["aflw_angle_error"]),
        }
        for order, errors in errors_by_order.items():
            known = {"row": rows, "true_yaw": np.rad2deg(predictions.yaw), "order": order}
            known |= dict(zip(ANGLES, errors.T, strict=True))
            frames.append(pd.DataFrame(known | {"geodesic": np.rad2deg(scores["geodesic"])}))
    data = pd.concat(frames, ignore_index=True)
    data["case"] = near_gimbal_lock(data[list(ANGLES)].to_numpy())
    return data


def cases_of(data: pd.DataFrame, evaluator: Evaluator, most: int = MOST_CASES) -> Predictions | None:
    """The cases with yaw in the middle whose pose is nearest to the true one, by the geodesic angle; None without any.

    Args:
        data: of `lock_data`.
        evaluator: of the network.
        most: photographs.
    """
    cases = data[data["case"] & (data["order"] == YAW_MIDDLE)].sort_values("geodesic", kind="stable")
    return evaluator.predict(cases["row"].to_numpy()[:most]) if len(cases) else None


def draw_lock(data: pd.DataFrame, cases: Predictions | None) -> Figure:
    """Above all photographs: the larger of pitch and roll error over the angle between both poses. Below the cases.

    Args:
        data: of `lock_data`.
        cases: of `cases_of`.

    Raises:
        BadInput: for cases of several networks.
    """
    figure = plt.figure(figsize=(6.6, 6.4 if cases else 3.3), layout="constrained")
    heights = (2.9, 3.5) if cases else (2.9, 0.4)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    axes = above.subplots(1, len(ORDERS), sharex=True, sharey=True)
    for axis, (order, title) in zip(axes, ORDERS.items(), strict=True):
        _draw_errors(axis, data[data["order"] == order])
        axis.set_title(title, fontsize=8)
    axes[0].set_ylabel("larger of pitch and roll error (degrees)", fontsize=8)
    if cases:
        _draw_cases(below, cases)
        note_below(figure, "below the faces: yaw, pitch, roll, with yaw in the middle")
    else:
        text = f"a pitch or roll error above {FIX_PITCH_OR_ROLL:.0f}° and a yaw error below {FIX_YAW:.0f}°"
        below.text(0.5, 0.5, f"with yaw in the middle, no photograph has {text}", ha="center", fontsize=8)
    return figure


def _draw_errors(axis: Axes, data: pd.DataFrame) -> None:
    larger, case = data[["pitch", "roll"]].max(axis=1), data["case"]
    axis.plot([0, 180], [0, 180], color="#999999", lw=0.8, ls="--")
    axis.axhline(FIX_PITCH_OR_ROLL, color="#999999", lw=0.8, ls=":")
    looks = ((case, CASE_COLOUR, f"{int(case.sum())} cases"), (~case, PALETTE[0], f"{int((~case).sum())} others"))
    for chosen, colour, name in looks:
        axis.scatter(data["geodesic"][chosen], larger[chosen], s=9, color=colour, alpha=0.7, lw=0, label=name)
    axis.set_xlim(0, 1.05 * max(data["geodesic"].max(), 1.0))
    axis.set_ylim(0, 1.2 * max(larger.max(), FIX_PITCH_OR_ROLL))  # room for the legend
    axis.set_xlabel("angle between true and predicted pose (degrees)", fontsize=8)
    axis.tick_params(labelsize=7)
    legend = axis.legend(loc="upper left", ncols=2, fontsize=7, handletextpad=0.1, borderpad=0.2, columnspacing=1.0)
    legend.set(frame_on=True)
    legend.get_frame().set(linewidth=0, alpha=1)


def _draw_cases(figure: SubFigure, cases: Predictions) -> None:
    """Columns of photograph, true and predicted face, with their angles below."""
    panels = figure.subplots(3, MOST_CASES)
    (label,) = cases.found
    triangles, (found, true) = cases.mapper.triangles, _rotations(cases)
    apart = np.rad2deg(cases.scores[label]["geodesic"])
    true_angles, found_angles = (aflw2000_angles(rotation) for rotation in (true, found))
    pairs = ((cases.points(), true_angles), (cases.points(label), found_angles))
    for panel in panels[:, len(cases.rows) :].flat:
        panel.axis("off")
    for number, image in enumerate(cases.faces.images):
        show(panels[0, number], enlarged(image))
        panels[0, number].set_xlabel(f"{apart[number]:.1f}° apart", fontsize=6.5, labelpad=2, weight="bold")
        for line, (points, angles) in zip(panels[1:], pairs, strict=True):
            show(line[number], overlay_face(image, points[number], triangles, opacity=0.85))
            numbers = " ".join(f"{round(angle):+d}°" for angle in np.rad2deg(angles[number]))
            line[number].set_xlabel(numbers, fontsize=6.5, labelpad=2)
    for panel, name in zip(panels[:, 0], ("photograph", "true", "predicted"), strict=True):
        name_row(panel, name, 7)


def _rotations(predictions: Predictions) -> tuple[torch.Tensor, torch.Tensor]:
    """R_head (B, 3, 3) as the only network finds it, and as it is."""
    if len(predictions.found) != 1:
        raise BadInput(f"poses of {', '.join(predictions.found)}: expected one network")
    (maps,) = predictions.found.values()
    return head_rotation(maps, predictions.mapper), head_of(predictions.faces.rotation)


def _angles_with_yaw_first(rotation: torch.Tensor) -> np.ndarray:
    return torch.stack(matrix_to_euler(rotation), dim=1).numpy()
