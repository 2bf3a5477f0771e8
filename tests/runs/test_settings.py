from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.runs.settings import TrainingSettings, as_dict, convert, override


@dataclasses.dataclass(frozen=True)
class Model:
    width: float = 1.0
    stages: tuple[int, ...] = (2, 2)
    size: tuple[int, int] = (64, 64)
    margin: Literal["official", "printed"] = "official"


@dataclasses.dataclass(frozen=True)
class Paper:
    epochs: int = 15
    clip: float | None = None
    pretrained: bool = True
    weights: Path = Path("a.safetensors")
    model: Model = Model()


def test_override_by_dotted_name():
    changed = override(Paper(), {"epochs": 3, "model.width": 0.25, "model.stages": [1, 1, 1], "clip": 5})
    assert changed == Paper(epochs=3, clip=5.0, model=Model(width=0.25, stages=(1, 1, 1)))
    assert isinstance(changed.clip, float)
    assert Paper() == Paper(epochs=15)  # the original stays


def test_override_by_nested_mapping_equals_dotted_names():
    assert override(Paper(), {"model": {"width": 2, "margin": "printed"}}) == override(
        Paper(), {"model.width": 2.0, "model.margin": "printed"}
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [("epoch", "epochs"), ("model.widht", "model.width"), ("epochs.first", "epochs"), ("mode", "model")],
)
def test_override_refuses_unknown_names(name, near):
    with pytest.raises(UnknownName) as error:
        override(Paper(), {name: 1})
    assert repr(name) in str(error.value)
    assert near in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("epochs", 3.0, "int"),
        ("epochs", True, "int"),
        ("epochs", "3", "int"),
        ("clip", "5", "float | None"),
        ("clip", math.nan, "float | None"),
        ("pretrained", 1, "bool"),
        ("model.width", "wide", "float"),
        ("model.width", math.inf, "finite"),
        ("model.width", None, "float"),
        ("model.size", [64, 64, 64], "tuple[int, int]"),
        ("model.stages", [1, 2.5], "int"),
        ("model.margin", "oficial", "'printed'"),
        ("model", 3, "Model"),
    ],
)
def test_override_refuses_wrong_types(name, value, expected):
    with pytest.raises(BadInput) as error:
        override(Paper(), {name: value})
    assert expected in str(error.value)
    assert name.split(".")[-1] in str(error.value)


def test_yaml_number_that_is_text_gets_a_hint():
    with pytest.raises(BadInput, match=r"1\.0e-3"):
        override(TrainingSettings(), {"learning_rate": "1e-3"})


def test_changes_of_one_level_are_applied_together():
    @dataclasses.dataclass(frozen=True)
    class Range:
        low: int = 0
        high: int = 1

        def __post_init__(self) -> None:
            if self.low >= self.high:
                raise BadInput("low is above high")

    globals()["Range"] = Range
    assert override(Range(), {"low": 5, "high": 6}) == Range(5, 6)


def test_dictionaries_and_lists_are_converted_inside():
    assert convert("x", {"a": [1, 2]}, dict[str, list[float]]) == {"a": [1.0, 2.0]}
    with pytest.raises(BadInput, match=r"x\.a\[1\]"):
        convert("x", {"a": [1, "2"]}, dict[str, list[float]])


@pytest.mark.parametrize(
    "changes", [{"epochs": 0}, {"patience": -1}, {"learning_rate": -0.1}, {"gradient_clip": 0.0}, {"precision": "32"}]
)
def test_training_settings_refuse_impossible_values(changes):
    with pytest.raises(BadInput, match=next(iter(changes))):
        override(TrainingSettings(), changes)


def test_as_dict_is_json_and_comes_back():
    settings = override(Paper(), {"model.stages": [3]})
    values = json.loads(json.dumps(as_dict(settings)))
    assert values["model"]["stages"] == [3]
    assert values["weights"] == "a.safetensors"
    assert override(Paper(), values) == settings


def test_as_dict_refuses_what_json_cannot_hold():
    @dataclasses.dataclass(frozen=True)
    class Odd:
        value: object = object()

    with pytest.raises(BadInput, match="value"):
        as_dict(Odd())


@given(st.integers(1, 1000), st.floats(0, 1), st.lists(st.integers(0, 100), max_size=4))
def test_override_then_as_dict_gives_the_values(epochs, rate, milestones):
    changes = {"epochs": epochs, "learning_rate": rate, "milestones": milestones}
    values = as_dict(override(TrainingSettings(), changes))
    assert {name: values[name] for name in changes} == changes
    unchanged = as_dict(TrainingSettings())
    assert all(values[name] == unchanged[name] for name in values.keys() - changes.keys())


def test_import_needs_no_torch():
    modules = ("settings", "records", "checkpoints", "tasks", "training")
    code = "import sys; " + "; ".join(f"import facelib.runs.{name}" for name in modules)
    code += "; sys.exit(any(name in sys.modules for name in ('torch', 'lightning_fabric', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
