"""Every slip that is planted is found and named, and what is right is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.spatial.transform import Rotation

from facelib.cli import main
from facelib.conventions import MIRRORED_LANDMARKS
from facelib.errors import BadInput, CorruptFile, DegenerateInput
from facelib.explanation import explain, read_table
from facelib.explanation.pose_slips import from_angles
from facelib.explanation.protocols import landmark_protocols
from facelib.explanation.search import protocol_of
from facelib.explanation.tables import Table

CHANCE = np.random.default_rng(0)
SAMPLES, VERTICES, COMPONENTS = 12, 90, 6
NOISE = 0.5
FACE = CHANCE.normal(0, (30, 40, 15), (68, 3))
LANDMARKS = FACE * CHANCE.uniform(0.8, 1.2, (SAMPLES, 1, 1)) + CHANCE.uniform(80, 120, (SAMPLES, 1, 3))
GUESS = LANDMARKS + CHANCE.normal(0, NOISE, LANDMARKS.shape)
POSE = CHANCE.uniform(-40, 40, (SAMPLES, 3))
POSE_GUESS = POSE + CHANCE.normal(0, NOISE, POSE.shape)
MEAN, BASIS = CHANCE.normal(0, 40, (VERTICES, 3)), CHANCE.normal(0, 1, (COMPONENTS, VERTICES, 3))
VALUES = np.array([400.0, 100.0, 25.0, 9.0, 4.0, 2.0])  # variances
COEFFICIENTS = CHANCE.normal(0, 1, (SAMPLES, COMPONENTS))


def only(found: Table, true: Table) -> tuple[str, ...]:
    (explained,) = explain(found, true)
    return explained.slips


POINT_SLIPS = {
    "y is flipped": GUESS * (1, -1, 1) + (0, 449, 0),
    "z is flipped": GUESS * (1, 1, -1) + (0, 0, 200),
    "x and y are swapped (row, column)": GUESS[..., [1, 0, 2]],
    "y and z are swapped": GUESS[..., [0, 2, 1]],
    "unit: m where mm are meant (factor 1000)": GUESS / 1000,
    "unit: cm where mm are meant (factor 10)": GUESS / 10,
    "unit: um where mm are meant (factor 0.001)": GUESS * 1000,
    "another origin: all points are shifted alike": GUESS + np.array([300, -200, 100]),
    "landmarks of left and right are swapped": GUESS[:, list(MIRRORED_LANDMARKS)],
    "landmarks are counted from 1: each lies one further": np.roll(GUESS, 1, axis=1),
    "landmarks are counted from 0: each lies one before": np.roll(GUESS, -1, axis=1),
    "landmarks are in another order": GUESS[:, np.random.default_rng(5).permutation(68)],
}


@pytest.mark.parametrize("name", POINT_SLIPS)
def test_slips_of_landmarks(name: str) -> None:
    assert only({"landmarks": POINT_SLIPS[name]}, {"landmarks": LANDMARKS}) == (name,)


def test_exact_landmarks_a_pixel_off() -> None:
    """One pixel is little of a face, so it shows where predictions are else exact."""
    assert only({"landmarks": LANDMARKS + np.array([1, 1, 0])}, {"landmarks": LANDMARKS})[0] == (
        "pixels are counted from 1 (MATLAB)"
    )


def test_two_slips_together() -> None:
    slips = only({"landmarks": (GUESS * (1, -1, 1) + (0, 449, 0)) / 10}, {"landmarks": LANDMARKS})

    assert set(slips) == {"y is flipped", "unit: cm where mm are meant (factor 10)"}


@pytest.mark.parametrize("which", ["prediction", "truth"])
def test_points_put_back_by_another_box(which: str) -> None:
    box = np.concatenate((LANDMARKS[..., :2].min(1), LANDMARKS[..., :2].max(1)), axis=1)
    other = box + CHANCE.uniform(-40, 40, box.shape) + (0, 0, 60, 60)
    source, target = (other, box) if which == "prediction" else (box, other)
    wrong = GUESS.copy()
    scale = (source[:, 2:] - source[:, :2]) / (target[:, 2:] - target[:, :2])
    wrong[..., :2] = (GUESS[..., :2] - target[:, None, :2]) * scale[:, None] + source[:, None, :2]

    (name,) = only({"landmarks": wrong, "box": other}, {"landmarks": LANDMARKS, "box": box})

    assert name.startswith(
        "points were put back by the box of the prediction"
        if which == "prediction"
        else "points were put back by the true"
    )


def posed(signs: tuple[int, ...] = (1, 1, 1), columns: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    return (POSE_GUESS * signs)[:, columns]


POSE_SLIPS = {
    "sign of yaw is turned round": posed((-1, 1, 1)),
    "sign of yaw, roll is turned round": posed((-1, 1, -1)),
    "columns hold pitch, yaw, roll": posed(columns=(1, 0, 2)),
    "angles are in radians": np.deg2rad(POSE_GUESS),
    "sign of pitch is turned round; columns hold roll, yaw, pitch": posed((1, -1, 1), (2, 0, 1)),
}


@pytest.mark.parametrize("name", POSE_SLIPS)
def test_slips_of_angles(name: str) -> None:
    (found,) = only({"pose": POSE_SLIPS[name]}, {"pose": POSE})

    assert set(found.split("; ")) == set(name.split("; "))


def test_another_euler_order() -> None:
    """The true rotations hold roll, pitch and yaw multiplied in this order."""
    yaw, pitch, roll = POSE_GUESS.T
    about = {"z": roll, "x": -pitch, "y": yaw}
    turns = [Rotation.from_euler(axis, angles[:, None], degrees=True).as_matrix() for axis, angles in about.items()]

    (name,) = only({"pose": POSE}, {"rotation": turns[0] @ turns[1] @ turns[2]})

    assert name == "Euler order: roll pitch yaw multiplied, not yaw pitch roll"


def test_slips_of_rotations() -> None:
    turns, guess = from_angles(POSE), from_angles(POSE_GUESS)
    flip = np.diag((1.0, -1.0, -1.0))

    assert only({"rotation": guess.swapaxes(1, 2)}, {"rotation": turns}) == (
        "rotations are the inverse ones (transposed)",
    )
    assert only({"rotation": flip @ guess @ flip}, {"rotation": turns}) == (
        "rotations are in the camera's axes (y down, z forward)",
    )


@pytest.mark.parametrize("sequences", [None, np.arange(SAMPLES) // 4])
def test_first_frames(sequences: np.ndarray | None) -> None:
    turns, guess = from_angles(POSE), from_angles(POSE_GUESS)
    first = np.zeros(SAMPLES, int) if sequences is None else sequences * 4
    told = {} if sequences is None else {"sequence": sequences.astype(float)}
    removed, guess_removed = (each @ each[first].swapaxes(1, 2) for each in (turns, guess))

    assert only({"rotation": guess} | told, {"rotation": removed} | told) == (
        "the first frame's rotation is removed from the truth alone",
    )
    assert only({"rotation": guess_removed} | told, {"rotation": turns} | told)[0] in (
        "the first frame's rotation is removed from the predictions alone",
        "poses are told from the first frame on: a constant turn lies between both",
    )


def model() -> Table:
    return {"mean": MEAN, "basis": BASIS, "eigenvalues": VALUES}


def vertices(scale: np.ndarray) -> np.ndarray:
    return MEAN + np.einsum("nc,cvx->nvx", COEFFICIENTS * scale, BASIS)


def test_eigenvalues_that_were_taken_for_deviations() -> None:
    """Coefficients are standard deviations of a basis of length 1; a user multiplied by variances."""
    true = {"vertices": vertices(np.sqrt(VALUES))}
    found = {"vertices": vertices(VALUES), "coefficients": COEFFICIENTS} | model()

    assert only(found, true) == ("vertices were multiplied by eigenvalues, which are variances, not by their roots",)


def test_coefficients_of_another_scale() -> None:
    true = {"coefficients": COEFFICIENTS, "eigenvalues": VALUES}

    assert only({"coefficients": COEFFICIENTS * np.sqrt(VALUES)}, true) == (
        "eigenvalues are variances, and were taken for deviations",
    )
    assert only({"coefficients": COEFFICIENTS / np.sqrt(VALUES)}, true) == (
        "eigenvalues are deviations, and were taken for variances",
    )
    signs = np.array([1, -1, 1, -1, -1, 1])
    assert only({"coefficients": COEFFICIENTS * signs}, true) == ("signs of some components differ",)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_mean_expression_that_is_missing(is_given: bool) -> None:
    shift = CHANCE.normal(0, 5, (VERTICES, 3))
    true = {"vertices": vertices(np.sqrt(VALUES)) + shift} | ({"mean_expression": shift} if is_given else {})
    guess = vertices(np.sqrt(VALUES)) + CHANCE.normal(0, 0.1, (SAMPLES, VERTICES, 3))

    (name,) = only({"vertices": guess}, true)

    assert name.startswith("the mean expression is not added" if is_given else "a constant offset of each vertex")


def test_what_is_right_is_left_alone() -> None:
    (explained,) = explain({"landmarks": GUESS}, {"landmarks": LANDMARKS})

    assert explained.slips == ()
    assert explained.near == {}
    assert "no known slip" in str(explained)


def test_what_is_wrong_in_no_known_way_is_not_explained() -> None:
    other = np.random.default_rng(9).normal(0, 50, LANDMARKS.shape) + LANDMARKS.mean(axis=1, keepdims=True)

    assert only({"vertices": other}, {"vertices": LANDMARKS}) == ()


def test_a_number_names_its_protocol() -> None:
    """Worked out by hand: mean distance over the root of the predicted boxes' areas."""
    low, high = GUESS[..., :2].min(axis=1), GUESS[..., :2].max(axis=1)
    size = np.sqrt((high - low).prod(axis=1))
    number = 100 * (np.linalg.norm((GUESS - LANDMARKS)[..., :2], axis=2).mean(axis=1) / size).mean()

    (name, value), *_ = protocol_of({"landmarks": GUESS}, {"landmarks": LANDMARKS}, number)

    assert name == "box of the prediction, all points, 2D"
    assert value == pytest.approx(number)
    assert len({name for name, _ in landmark_protocols({"landmarks": GUESS}, {"landmarks": LANDMARKS})}) == 30


class TestFiles:
    def test_a_csv_and_an_npz_hold_the_same(self, tmp_path: Path) -> None:
        names = [f"{axis}{k}" for k in range(68) for axis in "xy"]
        lines = [",".join(["name", "yaw", "pitch", "roll", *names])]
        lines += [
            ",".join(["a b", *map(repr, pose.tolist()), *map(repr, points[:, :2].ravel().tolist())])
            for pose, points in zip(POSE, LANDMARKS, strict=True)
        ]
        (tmp_path / "a.csv").write_text("\r\n".join(lines))
        np.savez(tmp_path / "a.npz", pose=POSE, landmarks=LANDMARKS[..., :2], other=np.array(["x"]))

        ours, theirs = read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.npz")

        assert set(ours) == set(theirs) == {"pose", "landmarks"}
        for name, array in ours.items():
            np.testing.assert_allclose(array, theirs[name], atol=1e-12)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "0 lines below its header"),
            ("x0,y0\n1\n", "line 2: 1 values, expected 2"),
            ("x0,y0\n1,a\n", "line 2: y0 is 'a', expected a number"),
            ("x0,y0,x2,y2\n1,2,3,4\n", "no column x1"),
            ("x0,y0,x1\n1,2,3\n", "expected x0, y0, x1, y1"),
            ("c1\n1\n", "no column c0"),
            ("x0,x0\n1,2\n", "a name twice"),
        ],
    )
    def test_bad_tables(self, text: str, told: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(CorruptFile, match=told):
            read_table(tmp_path / "a.csv")

    def test_bad_arrays(self, tmp_path: Path) -> None:
        path = tmp_path / "a.npz"
        with pytest.raises(BadInput, match="there is no file"):
            read_table(path)
        np.savez(path, pose=np.zeros((3, 2)))
        with pytest.raises(CorruptFile, match=r"pose of \(3, 2\)"):
            read_table(path)
        np.savez(path, pose=np.full((3, 3), np.nan))
        with pytest.raises(DegenerateInput, match=r"pose is not finite at \[0, 0\]"):
            read_table(path)
        np.savez(path, pose=np.array([[{}, 1, 2]], object), allow_pickle=True)
        with pytest.raises(CorruptFile, match="no whole npz"):
            read_table(path)
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(CorruptFile, match="no whole npz"):
            read_table(path)

    def test_shapes_that_do_not_fit(self) -> None:
        with pytest.raises(BadInput, match="the last 51 are those without the jaw"):
            explain({"landmarks": GUESS[:, 17:]}, {"landmarks": LANDMARKS})
        with pytest.raises(BadInput, match="expected landmarks, vertices"):
            explain({"pose": POSE}, {"landmarks": LANDMARKS})
        with pytest.raises(DegenerateInput, match="lie in one place"):
            explain({"landmarks": GUESS}, {"landmarks": np.zeros_like(GUESS)})

    def test_the_command(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "found.npz", landmarks=GUESS / 10, pose=-POSE_GUESS)
        np.savez(tmp_path / "true.npz", landmarks=LANDMARKS, pose=POSE)
        words = ["explain", str(tmp_path / "found.npz"), str(tmp_path / "true.npz")]

        plain = CliRunner().invoke(main, words).output
        told = json.loads(CliRunner().invoke(main, [*words, "--json", "--number", "3"]).output)

        assert "if unit: cm where mm are meant (factor 10)" in plain
        assert "if sign of yaw, pitch, roll is turned round" in plain
        assert [each["quantity"] for each in told["explained"]] == ["landmarks", "pose"]
        assert len(told["protocols"]) == 3
