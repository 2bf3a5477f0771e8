"""Damage every kind of file that facelib reads, in a thousand ways, and count what becomes of it.

    PYTHONPATH=tests python tests/attacks/mutate_files.py --count 1000

A damaged file must be refused in one of facelib's own errors. It may be read where its content is the same (spaces in
JSON), or where no checksum can exist (photographs). Any other error, and other content taken for sound, is a fault.
The mutations of a kind are drawn from the same seed in every run.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import logging
import math
import pickle
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from damaged_bytes import damaged
from PIL import Image
from torch import nn

from facelib.data.archive import make_archive, open_archive
from facelib.data.licensed.pickled_arrays import read_pickled_arrays
from facelib.data.photographs import read_photograph
from facelib.errors import CorruptFile, FacelibError
from facelib.faces.morphable_model import MorphableModel, read_model, write_model
from facelib.metrics.bootstrap import BootstrapSamples
from facelib.papers import load_paper
from facelib.report import intervals
from facelib.report.claims import keep_largest
from facelib.report.intervals import open_estimates
from facelib.report.records import TierRuns
from facelib.runs.checkpoints import load_checkpoint, load_weights, save_checkpoint, save_weights
from facelib.runs.folders import Run, project_folder
from facelib.runs.identity import Identity, reserve
from facelib.runs.records import new_record, read_record, read_scores, write_record, write_scores
from facelib.storage import read_json, write_checked

REFUSED, SAME, UNCHECKED = "refused", "same content", "read, no checksum"
RAW, BELIEVED = "ANOTHER ERROR", "OTHER CONTENT BELIEVED"
OUTCOMES = (REFUSED, SAME, UNCHECKED, RAW, BELIEVED)
FAULTS = (RAW, BELIEVED)
EXAMPLES = 5  # of faults, printed for each kind


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        file: its name in the folder.
        make: lays it, and what belongs to it, into an empty folder.
        read: what facelib reads from the folder; as plain values, so that two readings can be compared.
        checked: whether a checksum guards it.
    """

    file: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    checked: bool = True


def outcomes(kind: Kind, name: str, count: int) -> Iterator[tuple[int, str, str]]:
    """The number, outcome and error text of each of `count` mutations."""
    with tempfile.TemporaryDirectory() as place:
        sound, work = Path(place, "sound"), Path(place, "work")
        sound.mkdir()
        kind.make(sound)
        content = (sound / kind.file).read_bytes()
        own = [_swapped] * 2 if kind.file.endswith(".json") else []
        shutil.copytree(sound, work)
        expected = kind.read(work)
        for number in range(count):
            shutil.rmtree(work)
            shutil.copytree(sound, work)
            (work / kind.file).write_bytes(damaged(content, random.Random(f"{name} {number}"), own))
            yield number, *_outcome(kind, work, expected)


def _outcome(kind: Kind, folder: Path, expected: object) -> tuple[str, str]:
    try:
        found = kind.read(folder)
    except FacelibError as error:
        return REFUSED, str(error)
    except Exception as error:
        return RAW, repr(error)
    if found == expected:
        return SAME, ""
    return (BELIEVED if kind.checked else UNCHECKED), ""


def _swapped(content: bytes, chance: random.Random) -> bytes:
    """Two values of a JSON file change places, or one becomes another kind of value."""
    root = json.loads(content)
    places = list(_places(root))
    (first, one), (second, two) = chance.choice(places), chance.choice(places)
    before = copy.deepcopy(root)
    if chance.random() < 0.5:
        first[one], second[two] = copy.deepcopy(second[two]), copy.deepcopy(first[one])
    else:
        first[one] = chance.choice((None, True, 0, -1, 1e300, "", "../../x", [], {}, float("nan")))
    return content if root == before else json.dumps(root, indent=1).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _committed(file: str) -> Callable[[Path], object]:
    """A file of the repository's figures."""
    source = project_folder() / "figures" / "3_sadrnet" / file
    return lambda folder: shutil.copy(source, folder)


def _read_claims(folder: Path) -> object:
    path = folder / "claims.json"
    keep_largest(TierRuns(load_paper("sadrnet"), "smoke", {}), [], path)
    return read_json(path, "")


def _read_estimates(folder: Path) -> object:
    with patch.object(intervals, "committed_folder", lambda *_: folder):
        estimates = open_estimates(TierRuns(load_paper("sadrnet"), "laptop", {}))
    return {key: asdict(estimate) for key, estimate in estimates.committed.items()}


IDENTITY = Identity({"epochs": 3, "loss": {"bins": 32, "rule": "official"}}, "data", "code", {"base": "a1"})


def _begin_run(folder: Path) -> None:
    reserve(folder, IDENTITY)
    (folder / "checkpoint_0000.pt").touch()


def _go_on(folder: Path) -> object:
    if reserve(folder, IDENTITY) is not None:
        raise CorruptFile("set aside")
    return None


def _part(number: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(number)
    images = generator.integers(0, 256, (3, 3, 4, 4), np.uint8)
    return {"images": images, "identity": np.full(3, number), "angle": generator.random(3)}


def _make_set(folder: Path) -> object:
    return make_archive(folder, "small", "print", 2, _part)


def _read_set(folder: Path) -> object:
    archive = open_archive(folder, "small")
    return archive.fingerprint, {name: array.tolist() for name, array in archive.arrays.items()}


def _leave_parts(folder: Path) -> None:
    def stop_at_the_second(number: int) -> dict[str, np.ndarray]:
        if number:
            raise InterruptedError
        return _part(number)

    try:
        make_archive(folder, "small", "print", 2, stop_at_the_second)
    except InterruptedError:
        return


def _finish_set(folder: Path) -> object:
    """A damaged part is made again."""
    _make_set(folder)
    return _read_set(folder)


def _network() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {"network": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))}


def _read_weights(folder: Path) -> object:
    modules = _network()
    load_weights(folder / "weights.safetensors", modules)
    return {key: value.tolist() for key, value in modules["network"].state_dict().items()}


def _save_checkpoints(folder: Path) -> None:
    for epoch in (0, 1):
        save_checkpoint(folder, epoch, {"epoch": epoch, "weights": torch.arange(9.0), "history": [{"loss": 0.5}]})


def _read_checkpoint(folder: Path) -> object:
    content = load_checkpoint(folder)
    if content is None or content["epoch"] == 0:
        raise CorruptFile("passed over")
    return {**content, "weights": content["weights"].tolist()}


def _write_face_model(folder: Path) -> None:
    write_model(folder / "faces.safetensors", _small_face_model())


def _small_face_model() -> MorphableModel:
    def floats(*shape: int) -> torch.Tensor:
        return torch.linspace(0, 1, math.prod(shape)).view(shape)

    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    return MorphableModel(
        mean=floats(4, 3),
        identity_basis=floats(2, 4, 3),
        expression_basis=floats(1, 4, 3),
        texture_mean=floats(4, 3),
        texture_basis=floats(2, 4, 3),
        triangles=triangles,
        uv=floats(4, 2),
        uv_triangles=triangles.clone(),
        landmarks=torch.arange(68) % 4,
        attribute_weights=floats(1, 2),
        attribute_mean=floats(1),
        expression_names=("smile",),
        attribute_names=("age",),
        regions={"lips": floats(4)},
    )


def _read_face_model(folder: Path) -> object:
    values = asdict(read_model(folder / "faces.safetensors"))
    regions = {name: region.tolist() for name, region in values.pop("regions").items()}
    return regions, {key: value.tolist() if torch.is_tensor(value) else value for key, value in values.items()}


def _write_scored_record(folder: Path) -> None:
    scores = write_scores(folder / "scores.npz", {"scores": np.linspace(0, 1, 200), "names": np.array(["a", "b"])})
    data = {"source": "made", "fingerprint": "0"}
    metrics = {"auc": {"value": 0.5, "unit": "fraction"}}
    record = new_record(
        Run("toy", "jam"), data=data, parameters={"epochs": 2}, metrics=metrics, wall_time_s=1.0, scores=scores
    )
    write_record(folder / "record.json", record)


def _read_scored_record(folder: Path) -> object:
    record = read_record(folder / "record.json")
    arrays = read_scores(folder / "record.json", record)
    return asdict(record), {name: array.tolist() for name, array in arrays.items()}


def _write_intervals(folder: Path) -> None:
    made = BootstrapSamples(("auc",), np.ones(1), np.linspace(0, 1, 50)[:, None], np.zeros(1, np.int64))
    content = io.BytesIO()
    np.savez_compressed(content, **made._asdict() | {"names": np.array(made.names)})
    write_checked(folder / "intervals.npz", content.getbuffer())


def _read_intervals(folder: Path) -> object:
    found = intervals._read(folder / "intervals.npz")
    if found is None:
        raise CorruptFile("made anew")
    return [list(found.names), *(array.tolist() for array in found[1:])]


def _image(ending: str, **options: Any) -> Kind:
    def make(folder: Path) -> None:
        places = np.linspace(0, 255, 32)
        pixels = np.stack((*np.meshgrid(places, places), np.full((32, 32), 99)), axis=2).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"face.{ending}", **options)

    def read(folder: Path) -> object:
        return read_photograph(folder / f"face.{ending}").pixels.tolist()

    return Kind(f"face.{ending}", make, read, checked=False)


def _write_flame(folder: Path) -> None:
    model = _small_face_model()
    basis = torch.cat((model.identity_basis, model.expression_basis)).double().numpy()
    fields = {
        "v_template": model.mean.double().numpy(),
        "shapedirs": np.moveaxis(basis, 0, 2),
        "f": model.triangles.numpy().astype(np.uint32),
    }
    (folder / "generic_model.pkl").write_bytes(pickle.dumps(fields, 2))


def _read_flame(folder: Path) -> object:
    wanted: dict[str, tuple[int | None, ...]] = {"v_template": (None, 3), "shapedirs": (None, 3, None), "f": (None, 3)}
    found = read_pickled_arrays(folder / "generic_model.pkl", wanted)
    return {name: array.tolist() for name, array in found.items()}


KINDS = {
    "record": Kind("record.json", _write_scored_record, _read_scored_record),
    "scores": Kind("scores.npz", _write_scored_record, _read_scored_record),
    "committed record": Kind(
        "sadrnet-fold0.json",
        _committed("laptop/records/sadrnet-fold0.json"),
        lambda folder: asdict(read_record(folder / "sadrnet-fold0.json")),
    ),
    "estimates": Kind("estimates.json", _committed("laptop/records/estimates.json"), _read_estimates),
    "claims": Kind("claims.json", _committed("claims.json"), _read_claims),
    "manifest": Kind(
        "manifest.json", _committed("laptop/manifest.json"), lambda folder: read_json(folder / "manifest.json", "")
    ),
    "identity of a run": Kind("run.json", _begin_run, _go_on),
    "listing of a data set": Kind("archive.json", _make_set, _read_set),
    "array of a data set": Kind("images.npy", _make_set, _read_set),
    "part of a data set": Kind("parts/00000.npz", _leave_parts, _finish_set),
    "weights": Kind(
        "weights.safetensors", lambda folder: save_weights(folder / "weights.safetensors", _network()), _read_weights
    ),
    "checksum of weights": Kind(
        "weights.safetensors.sha256",
        lambda folder: save_weights(folder / "weights.safetensors", _network()),
        _read_weights,
    ),
    "checkpoint": Kind("checkpoint_0001.pt", _save_checkpoints, _read_checkpoint),
    "checksum of a checkpoint": Kind("checkpoint_0001.pt.sha256", _save_checkpoints, _read_checkpoint),
    "face model": Kind("faces.safetensors", _write_face_model, _read_face_model),
    "checksum of the face model": Kind("faces.safetensors.sha256", _write_face_model, _read_face_model),
    "FLAME": Kind("generic_model.pkl", _write_flame, _read_flame, checked=False),
    "resampled metrics": Kind("intervals.npz", _write_intervals, _read_intervals),
    "PNG photograph": _image("png"),
    "JPEG photograph": _image("jpg", quality=90),
    "TIFF photograph": _image("tif"),
    "WebP photograph": _image("webp"),
    "GIF photograph": _image("gif"),
    "BMP photograph": _image("bmp"),
}


def main() -> None:
    """Print a table, and examples of faults; exit 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="mutations of each kind (default 1000)")
    parser.add_argument("--only", choices=list(KINDS), help="one kind")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # that a checkpoint was passed over
    total: Counter[str] = Counter()
    print(f"{'':28}" + "".join(f"{outcome:>24}" for outcome in OUTCOMES))
    for name in [chosen.only] if chosen.only else KINDS:
        found = list(outcomes(KINDS[name], name, chosen.count))
        counts = Counter(outcome for _, outcome, _ in found)
        total += counts
        print(f"{name:28}" + "".join(f"{counts[outcome]:24}" for outcome in OUTCOMES), flush=True)
        for number, outcome, error in [each for each in found if each[1] in FAULTS][:EXAMPLES]:
            print(f"    mutation {number}: {outcome} {error}")
    print(f"{'all':28}" + "".join(f"{total[outcome]:24}" for outcome in OUTCOMES))
    sys.exit(any(total[fault] for fault in FAULTS))


if __name__ == "__main__":
    main()
