"""A linear face model and its file.

    vertices = mean + identity @ identity_basis + expression @ expression_basis
    albedo   = texture_mean + texture @ texture_basis

Identity and texture coefficients are in standard deviations of the population, expression coefficients are the
strengths of named facial actions, 0 to 1. Readers of other models (Basel, FLAME) fill the same class.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch

from facelib.errors import BadInput, CorruptFile, check_finite, check_shape
from facelib.storage import verify_checked, write_checked


@dataclass(frozen=True)
class MorphableModel:
    """A linear face model in mm, in the face frame.

    Args:
        mean: (V, 3).
        identity_basis: (K, V, 3), mm a standard deviation.
        expression_basis: (E, V, 3), mm at full strength.
        texture_mean: (V, 3) linear RGB albedo, and texture_basis (80, V, 3) a standard deviation.
        triangles: (T, 3) int64.
        uv: (U, 2) texture coordinates, and uv_triangles (T, 3) into them.
        landmarks: (68,) int64 vertices.
        attribute_weights: (P, K) and attribute_mean (P): linear estimate of each phenotype from the identity.
        expression_names, attribute_names: names of the E and P rows.
        regions: name -> (V,) float in [0, 1].
    """

    mean: torch.Tensor
    identity_basis: torch.Tensor
    expression_basis: torch.Tensor
    texture_mean: torch.Tensor
    texture_basis: torch.Tensor
    triangles: torch.Tensor
    uv: torch.Tensor
    uv_triangles: torch.Tensor
    landmarks: torch.Tensor
    attribute_weights: torch.Tensor
    attribute_mean: torch.Tensor
    expression_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    regions: dict[str, torch.Tensor]

    def vertices(self, identity: torch.Tensor, expression: torch.Tensor | None = None) -> torch.Tensor:
        """Heads from coefficients.

        Args:
            identity: (B, up to K) in standard deviations; missing components are zero.
            expression: (B, E) strengths, or None for neutral faces.

        Returns:
            (B, V, 3) mm.

        Raises:
            BadInput: on a wrong shape or a non-finite coefficient.
        """
        _check_coefficients("identity", identity, self.identity_basis)
        basis = self.identity_basis[: identity.shape[1]].flatten(1)
        flat = torch.addmm(self.mean.flatten(), identity, basis)
        if expression is not None:
            check_shape("expression", expression, (identity.shape[0], len(self.expression_basis)))
            check_finite("expression", expression)
            flat = torch.addmm(flat, expression, self.expression_basis.flatten(1))
        return flat.unflatten(1, (-1, 3))

    def albedo(self, texture: torch.Tensor) -> torch.Tensor:
        """Linear RGB albedo (B, V, 3) in [0.01, 1] from texture coefficients (B, up to 80)."""
        _check_coefficients("texture", texture, self.texture_basis)
        basis = self.texture_basis[: texture.shape[1]].flatten(1)
        return torch.addmm(self.texture_mean.flatten(), texture, basis).clamp(0.01, 1.0).unflatten(1, (-1, 3))

    def attributes(self, identity: torch.Tensor) -> dict[str, torch.Tensor]:
        """The phenotypes (gender, age, ancestry ...) that a shape suggests, each (B,), clipped to [0, 1]."""
        _check_coefficients("identity", identity, self.identity_basis)
        values = torch.addmm(self.attribute_mean, identity, self.attribute_weights[:, : identity.shape[1]].T)
        return dict(zip(self.attribute_names, values.clamp(0, 1).unbind(1), strict=True))


class ByIdentity:
    """A model as a key of the cache: tensors have no hash of their own."""

    def __init__(self, model: MorphableModel) -> None:
        self.model = model

    def __hash__(self) -> int:
        return id(self.model)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and self.model is other.model


def _check_coefficients(name: str, coefficients: torch.Tensor, basis: torch.Tensor) -> None:
    check_shape(name, coefficients, (None, None))
    check_finite(name, coefficients)
    if coefficients.shape[1] > len(basis):
        raise BadInput(f"{name} has {coefficients.shape[1]} components: the model has {len(basis)}")


def write_model(path: Path, model: MorphableModel) -> None:
    """Write a model as safetensors with its checksum, atomically; float data as float32."""
    from safetensors.torch import save

    tensors = {f.name: getattr(model, f.name) for f in fields(model) if f.type == "torch.Tensor"}
    tensors |= {f"region:{name}": mask for name, mask in model.regions.items()}
    tensors = {k: v.float().contiguous() if v.is_floating_point() else v.contiguous() for k, v in tensors.items()}
    names = {"expression_names": model.expression_names, "attribute_names": model.attribute_names}
    # One entry, since several come in random order and would give the same model another checksum.
    metadata = {"names": json.dumps(names)}
    write_checked(path, save(tensors, metadata))


def read_model(path: Path) -> MorphableModel:
    """Read what `write_model` wrote.

    Raises:
        CorruptFile: if the file does not match its checksum or lacks a part.
    """
    from safetensors import SafetensorError, safe_open

    verify_checked(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no iterator
            stored = json.loads((file.metadata() or {}).get("names", "{}"))
        names = {key: tuple(value) for key, value in stored.items()}
        regions = {name.removeprefix("region:"): tensors.pop(name) for name in list(tensors) if ":" in name}
        return MorphableModel(**tensors, **names, regions=regions)  # type: ignore[arg-type]
    except (SafetensorError, TypeError, ValueError, AttributeError) as error:
        raise CorruptFile(f"{path} is no face model of this version: {error}") from error
