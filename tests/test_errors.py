"""Messages name the value, what was expected, and what to do."""

from __future__ import annotations

import pytest
import torch

from facelib.errors import (
    BadInput,
    CorruptFile,
    DegenerateInput,
    FacelibError,
    MissingPart,
    UnknownName,
    check_finite,
    check_shape,
    unknown_name,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(BadInput, ValueError), (UnknownName, LookupError), (CorruptFile, OSError), (MissingPart, RuntimeError)],
)
def test_every_error_is_ours_and_a_builtin_one(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, FacelibError)
    assert issubclass(error, builtin)


def test_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    error = unknown_name("method", "jam_ej", ["jam_je", "ir18", "jam"])

    assert isinstance(error, UnknownName)
    assert str(error) == "unknown method 'jam_ej': expected one of ir18, jam, jam_je; did you mean 'jam_je'?"


def test_unknown_name_guesses_nothing_when_nothing_is_near() -> None:
    assert str(unknown_name("tier", "zzz", ["smoke"])) == "unknown tier 'zzz': expected one of smoke"


def test_unknown_name_takes_what_is_no_text() -> None:
    assert "unknown fold 7" in str(unknown_name("fold", 7, ["0", "1"]))


@pytest.mark.parametrize("shape", [(2, 5, 3), (1, 1, 3)])
def test_check_shape_accepts(shape: tuple[int, ...]) -> None:
    check_shape("points", torch.zeros(shape), (None, None, 3))


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 4), (2, 5, 3, 1), (0, 5, 3), (2, 0, 3), ()])
def test_check_shape_refuses_and_says_what_it_expected(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput) as caught:
        check_shape("points", torch.zeros(shape), (None, None, 3))

    assert f"points has shape {shape}: expected (*, *, 3)" in str(caught.value)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (0, 5, 3)])
def test_leading_dimensions_may_be_left_open(shape: tuple[int, ...]) -> None:
    check_shape("normals", torch.zeros(shape), (..., 3))


@pytest.mark.parametrize("shape", [(), (4,), (3, 4)])
def test_open_shapes_have_an_end(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=r"expected \(\.\.\., 3\)$"):
        check_shape("normals", torch.zeros(shape), (..., 3))


def test_what_is_no_tensor_is_refused_by_its_type() -> None:
    with pytest.raises(BadInput, match=r"points is of type list: expected a tensor \(\*, 3\); torch.as_tensor makes"):
        check_shape("points", [[1.0, 2.0, 3.0]], (None, 3))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"image is of type NoneType: expected a tensor$"):
        check_finite("image", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [torch.ones(3), torch.zeros(0), torch.tensor([1, 2])])
def test_check_finite_accepts(value: torch.Tensor) -> None:
    check_finite("image", value)


def test_check_finite_counts_and_finds_the_first() -> None:
    image = torch.zeros(2, 3)
    image[1, 0] = float("nan")
    image[1, 2] = float("-inf")

    with pytest.raises(DegenerateInput, match=r"image holds 2 non-finite values, the first at index \(1, 0\): remove"):
        check_finite("image", image)
