"""Scans of the embedded faces, and files of them in the layouts of scanners and of mesh programs."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
import trimesh

from facelib.data.scan_files import MeshScan, ending_of
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scanners import SCANNERS, scan_heads
from facelib.faces.surfaces import sheet_triangles

BNT_HOLE = -1e9


def made_scans(model: MorphableModel, people: int, of_each: int, seed: int = 501) -> torch.Tensor:
    """Neutral scans (people, of_each, 3, 128, 128) of a laser scanner, each turned by some degrees."""
    heads = model.vertices(sample_people(model, people, seed, fixed_albedo=True).identity).repeat_interleave(of_each, 0)
    generator = torch.Generator().manual_seed(seed)
    pose = torch.deg2rad(3 * torch.randn(len(heads), 3, generator=generator))
    made = scan_heads(model, heads, pose, SCANNERS["frgc"], 128, generator)
    return made.positions.unflatten(0, (people, of_each))


def as_mesh(positions: torch.Tensor) -> MeshScan:
    """The surface through a grid (3, H, W), without its holes."""
    vertices, triangles = positions.flatten(1).T, sheet_triangles(*positions.shape[1:])
    seen = vertices.isfinite().all(dim=1)
    return MeshScan(vertices[seen], (seen.cumsum(0) - 1)[triangles[seen[triangles].all(dim=1)]])


def write_scan(path: Path, positions: torch.Tensor) -> Path:
    """A grid (3, H, W) as the file that its name asks for."""
    kind = ending_of(path)
    if kind == ".abs":
        path.write_bytes(abs_file(positions))
    elif kind == ".abs.gz":
        path.write_bytes(gzip.compress(abs_file(positions), 1))
    elif kind == ".bnt":
        path.write_bytes(bnt_file(positions))
    elif kind == ".wrl":
        path.write_text(wrl_file(as_mesh(positions)))
    elif path.name.endswith(".cloud.ply"):
        trimesh.PointCloud(as_mesh(positions).vertices.numpy()).export(path)
    else:
        mesh = as_mesh(positions)
        trimesh.Trimesh(mesh.vertices.numpy(), mesh.triangles.numpy(), process=False).export(path)
    return path


def abs_file(positions: torch.Tensor) -> bytes:
    _, rows, columns = positions.shape
    seen = positions.isfinite().all(dim=0).flatten().numpy()
    lines = [" ".join(f"{value:.6f}" for value in np.where(seen, axis.flatten(), -999999.0)) for axis in positions]
    flags = " ".join(str(int(flag)) for flag in seen)
    return "\n".join([f"{rows} rows", f"{columns} columns", "pixels (flag X Y Z):", flags, *lines, ""]).encode()


def bnt_file(positions: torch.Tensor) -> bytes:
    _, rows, columns = positions.shape
    bottom_first = positions.flip(1).flatten(1).double().numpy()
    seen = np.isfinite(bottom_first).all(axis=0)
    numbers = np.where(seen, np.concatenate((bottom_first, np.full((2, len(seen)), 0.5))), BNT_HOLE)
    name = b"bs000_N_N_0.png"
    head = struct.pack("<HHdH", rows, columns, BNT_HOLE, len(name)) + name + struct.pack("<I", numbers.size)
    return head + numbers.astype("<f8").tobytes()


def wrl_file(mesh: MeshScan, extra: str = "") -> str:
    points = ",\n".join(f"{x:.5f} {y:.5f} {z:.5f}" for x, y, z in mesh.vertices.tolist())
    faces = ",\n".join(f"{a}, {b}, {c}, -1" for a, b, c in mesh.triangles.tolist())
    return f"""#VRML V2.0 utf8
# made by hand ]
Group {{ children [ {extra} Shape {{
  appearance Appearance {{ texture ImageTexture {{ url "face.bmp" }} }}
  geometry IndexedFaceSet {{
    coord Coordinate {{ point [ {points} ] }}
    texCoord TextureCoordinate {{ point [ 0 0, 1 0, 0 1 ] }}
    coordIndex [ {faces} ]
    texCoordIndex [ 0, 1, 2, -1 ]
  }} }} ] }}
"""
