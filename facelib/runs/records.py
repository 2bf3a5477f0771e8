"""One record for each run: what was run, on what, with which code, and what came out.

Tables, figures and notebooks read records and nothing else. A record is one JSON file that carries the checksum of its
own content; the scores of single samples, where a confidence interval needs them, lie beside it in an .npz file whose
checksum the record holds.
"""

from __future__ import annotations

import dataclasses
import io
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import facelib
from facelib.errors import BadInput, CorruptFile, MissingPart, unknown_name
from facelib.runs.folders import ANY_COMMAND, Run
from facelib.runs.settings import convert
from facelib.storage import parse_json, sha256_of, unsealed, write_bytes, write_json

if TYPE_CHECKING:
    import numpy as np

SCHEMA_VERSION = 3  # since 3 a record carries its checksum
PACKAGES = ("torch", "numpy", "numba", "scipy", "scikit-learn", "lightning-fabric", "safetensors", "anny")
# The commit says where to find the code; whether it is the same code, the digest says.
VARIES_BETWEEN_EQUAL_RUNS = ("wall_time_s", "peak_memory_mb", "finished_at", "code.commit", "code.modified")


@dataclasses.dataclass(frozen=True)
class Record:
    """The outcome of one run. A run is (paper, method, fold, seed, tier, data source)."""

    schema_version: int
    paper: str
    method: str
    fold: int
    seed: int
    tier: str
    data: dict[str, str]  # source: its name, fingerprint: digest of what was read
    changes: dict[str, Any]  # of the tier's settings, by dotted name; empty for a run as the tier has it
    parameters: dict[str, Any]  # all settings
    metrics: dict[str, dict[str, Any]]  # name -> {"value": float, "unit": str}
    scores: dict[str, str] | None  # file: name beside the record, sha256: of its content
    history: list[dict[str, Any]]  # one row for each epoch
    code: dict[str, Any]  # version, commit, modified (null outside git); digest and needs, see new_record
    packages: dict[str, str]
    hardware: dict[str, Any]  # cpu, cores, memory_mb, gpu (null without)
    threads: int
    wall_time_s: float
    peak_memory_mb: float
    finished_at: str  # ISO 8601, UTC

    @property
    def run(self) -> Run:
        """The run that it is the record of."""
        return Run(self.paper, self.method, self.fold, self.tier, self.seed, self.changes)


def new_record(
    run: Run,
    *,
    data: dict[str, str],
    parameters: dict[str, Any],
    metrics: dict[str, dict[str, Any]],
    wall_time_s: float,
    history: list[dict[str, Any]] | None = None,
    scores: dict[str, str] | None = None,
    code_digest: str | None = None,
    needs: Mapping[str, str] | None = None,
) -> Record:
    """A record finished now, on this machine, by this code.

    Args:
        run: whose.
        data: {"source": name, "fingerprint": digest}.
        parameters: all settings of the run as JSON-ready values (`as_dict`).
        metrics: {name: {"value": number, "unit": text}}.
        wall_time_s: seconds that the run took, over all its starts.
        scores: what `write_scores` returned.
        code_digest: fingerprint of the code that the run depends on.
        needs: SHA-256 of the weights that it started from or was taught by, by method.
    """
    environment = describe_environment()
    environment["code"] = environment["code"] | {"digest": code_digest, "needs": dict(needs or {})}
    return Record(
        schema_version=SCHEMA_VERSION,
        paper=run.paper,
        method=run.method,
        fold=run.fold,
        seed=run.seed,
        tier=run.tier,
        data=data,
        changes=dict(run.changes),
        parameters=parameters,
        metrics=metrics,
        scores=scores,
        history=history or [],
        **environment,
        wall_time_s=wall_time_s,
        peak_memory_mb=peak_memory_mb(),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_record(path: Path, record: Record) -> None:
    """Write a record atomically as JSON.

    Raises:
        BadInput: a field of the wrong type, a metric without a value or unit, or a NaN anywhere.
    """
    values = _validated(dataclasses.asdict(record), "record")
    for name, value in _leaves(values):
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInput(f"{name} is {value}: a record holds finite numbers only; look for the cause in its history")
    write_json(path, values)


def read_record(path: Path, command: str = ANY_COMMAND) -> Record:
    """Read and check a record.

    Args:
        path: the JSON file.
        command: what makes this record; named in the message when the file is missing or damaged.

    Raises:
        MissingPart: there is no such file.
        CorruptFile: it is not JSON, its content is not what its checksum says, or fields are missing or of the wrong
            type.
        BadInput: it was written under another schema version.
    """
    if not path.is_file():
        raise MissingPart(f"no record at {path}: make it with `{command}`")
    remedy = f"make it again with `{command}`"
    values = parse_json(path, remedy)
    version = values.get("schema_version")
    if version != SCHEMA_VERSION:
        raise BadInput(f"{path} has schema version {version!r}, expected {SCHEMA_VERSION}: {remedy}")
    try:
        return Record(**_validated(unsealed(values, path, remedy), str(path)))
    except BadInput as error:
        raise CorruptFile(f"{error}; {remedy}") from error


def require_metric(record: Record, name: str) -> float:
    """The value of a metric.

    Raises:
        UnknownName: the record holds no such metric; the message names the run and the command that makes it.
    """
    if name not in record.metrics:
        error = unknown_name("metric", name, record.metrics)
        raise type(error)(f"{error}; the record was made by `{record.run.command}`")
    return record.metrics[name]["value"]


def same_result(first: Record, second: Record) -> list[str]:
    """Where two records differ, time, memory and the commit aside; empty when the runs agree in every bit."""
    ours, theirs = dict(_leaves(dataclasses.asdict(first))), dict(_leaves(dataclasses.asdict(second)))
    absent = "(absent)"
    return [
        f"{name}: {ours.get(name, absent)!r} != {theirs.get(name, absent)!r}"
        for name in ours | theirs
        if name not in VARIES_BETWEEN_EQUAL_RUNS and ours.get(name, absent) != theirs.get(name, absent)
    ]


def write_scores(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Write the scores of single samples atomically as .npz.

    Args:
        path: a file in the record's folder, ending in .npz.
        arrays: arrays by name.

    Returns:
        The entry `scores` of the record: {"file": name, "sha256": checksum}.
    """
    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_bytes(path, content.getbuffer())
    return {"file": path.name, "sha256": sha256_of(path)}


def read_scores(record_path: Path, record: Record) -> dict[str, np.ndarray]:
    """The scores that lie beside a record, by name.

    Raises:
        MissingPart: the record has no scores, or their file is gone.
        CorruptFile: their content is not what the record says.
    """
    import numpy as np

    if record.scores is None:
        raise MissingPart(f"{record_path} holds no scores: make it again with `{record.run.command}`")
    path = record_path.parent / record.scores["file"]
    if not path.is_file():
        raise MissingPart(f"no scores at {path}: make them with `{record.run.command}`")
    if sha256_of(path) != record.scores["sha256"]:
        raise CorruptFile(f"{path} does not match its record: make both again with `{record.run.command}`")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def describe_environment() -> dict[str, Any]:
    """Code, packages, hardware and threads: the fields of a record that the machine fills in."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "code": _code_version(),
        "packages": {"python": platform.python_version(), **_package_versions()},
        "hardware": {"cpu": _cpu_name(), "cores": os.cpu_count(), "memory_mb": _memory_mb(), "gpu": gpu},
        "threads": torch.get_num_threads(),
    }


def peak_memory_mb() -> float:
    """The largest resident memory of this process so far, in MiB (GPU memory not counted)."""
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (2**20 if sys.platform == "darwin" else 2**10)


def _validated(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    kinds = get_type_hints(Record)
    missing, unknown = sorted(kinds.keys() - values.keys()), sorted(values.keys() - kinds.keys())
    if missing or unknown:
        raise BadInput(f"{where}: missing fields {missing}, unknown fields {unknown}")
    converted = {name: convert(f"{where}: {name}", values[name], kind) for name, kind in kinds.items()}
    for name, metric in converted["metrics"].items():
        if metric.keys() != {"value", "unit"}:
            raise BadInput(f"{where}: metric {name!r} has {sorted(metric)}: expected value and unit")
        metric["value"] = convert(f"{where}: metric {name!r}", metric["value"], float)
        metric["unit"] = convert(f"{where}: unit of metric {name!r}", metric["unit"], str)
    if converted["data"].keys() != {"source", "fingerprint"}:
        raise BadInput(f"{where}: data has {sorted(converted['data'])}: expected source and fingerprint")
    if converted["scores"] is not None and converted["scores"].keys() != {"file", "sha256"}:
        raise BadInput(f"{where}: scores has {sorted(converted['scores'])}: expected file and sha256")
    return converted


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value inside nested dictionaries and lists, with its dotted name."""
    if isinstance(value, Mapping | list | tuple) and value:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, element in items:
            yield from _leaves(element, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


@cache
def _code_version() -> dict[str, Any]:
    folder = Path(facelib.__file__).parent
    # A copy installed inside somebody else's repository is not that repository's code: ask for our own file.
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py") is not None
    commit = _git(folder, "rev-parse", "HEAD") if tracked else None
    modified = bool(_git(folder, "status", "--porcelain", "--", ".")) if commit else None
    return {"version": facelib.__version__, "commit": commit, "modified": modified}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _package_versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _cpu_name() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
