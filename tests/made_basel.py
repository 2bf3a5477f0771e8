"""Face models in the byte formats of the Basel Face Model, written from our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import savemat

from facelib.faces.morphable_model import MorphableModel

KEPT = 5  # components


def flat(vectors: torch.Tensor) -> np.ndarray:
    """(..., V, 3) as (..., 3V)."""
    return vectors.flatten(-2).numpy()


def write_basel_h5(path: Path, model: MorphableModel, **options: Any) -> Path:
    """The first components of our model, of lengths that their variances undo, and a mean expression."""
    variance = np.arange(1.0, KEPT + 1) ** 2
    shift = np.full(flat(model.mean).shape, 0.5)
    colour = model.texture_mean.double().numpy()
    encoded = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * colour ** (1 / 2.4) - 0.055)
    parts = {
        "shape": (flat(model.mean) - shift, flat(model.identity_basis[:KEPT])),
        "expression": (shift, flat(model.expression_basis[:KEPT])),
        "color": (encoded.ravel(), flat(model.texture_basis[:KEPT])),
    }
    import h5py

    with h5py.File(path, "w") as file:
        for name, (mean, basis) in parts.items():
            group = file.create_group(f"{name}/model")
            group.create_dataset("mean", data=mean.astype("f4"), **options)
            group.create_dataset("pcaBasis", data=(basis / np.sqrt(variance)[:, None]).T.astype("f4"), **options)
            group.create_dataset("pcaVariance", data=variance.astype("f4"))
        file["shape/representer/cells"] = model.triangles.numpy().T.astype("i4")
        file["shape/representer/points"] = flat(model.mean).reshape(-1, 3).T
        file["version/majorVersion"] = 0
    return path


def write_basel_2009(folder: Path, model: MorphableModel) -> None:
    """The files of 2009 and 3DDFA: the first components of our model in micrometres, five vertices of it left out.

    What the trimmed model lacks are the first ones in its own order, which is ours turned round.
    """
    left_out, count = 5, len(model.mean)
    order = np.arange(count)[::-1]  # of our vertices in the file
    number = np.argsort(order)

    def columns(basis: torch.Tensor, vertices: np.ndarray, components: int) -> np.ndarray:
        found = np.zeros((3 * len(vertices), components), np.float32)
        found[:, :KEPT] = flat(basis[:KEPT][:, vertices]).T * 1000
        return found

    deviations, of_expressions = np.arange(1.0, 200)[:, None], np.arange(2.0, 31)[:, None]
    shift = np.full((3 * (count - left_out), 1), 500.0)
    shapes = {
        "shapeMU": flat(model.mean[order.copy()])[:, None] * 1000,
        "shapePC": columns(model.identity_basis, order.copy(), 199) / deviations.T.astype("f4"),
        "shapeEV": deviations,
        "tl": number[model.triangles.numpy()[:, ::-1]] + 1.0,
    }
    kept = order[left_out:].copy()
    expressions = {
        "mu_exp": shift,
        "w_exp": columns(model.expression_basis, kept, 29) / of_expressions.T.astype("f4"),
        "sigma_exp": of_expressions,
    }
    savemat(folder / "01_MorphableModel.mat", shapes)
    savemat(folder / "Model_Expression.mat", expressions)
    marked = number[model.landmarks.numpy()] - left_out + 1.0  # among the kept ones, counted from one
    savemat(
        folder / "model_info.mat", {"trimIndex": np.arange(left_out, count)[:, None] + 1.0, "keypoints": marked[None]}
    )
