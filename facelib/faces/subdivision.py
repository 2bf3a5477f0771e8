"""Subdivision of a triangle mesh as a sparse matrix, so that a linear face model stays linear.

Loop's scheme (C. Loop, 1987) with the usual boundary rules smooths skin; parts marked sharp are split at edge
midpoints and keep their vertices, as eyeballs must not shrink behind the lids.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def subdivision_operator(
    triangles: np.ndarray, vertex_count: int, sharp: np.ndarray | None = None, only: np.ndarray | None = None
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The matrix that maps old vertices to new ones, and the new triangles.

    Old vertices keep their numbers; edge vertices follow in the order of their sorted end points.

    Args:
        triangles: (T, 3) int.
        vertex_count: V.
        sharp: (V,) bool, vertices that stay and whose edges are split at the midpoint; default none.
        only: (T,) bool, triangles to split; they must form whole connected parts. Default all.

    Returns:
        (V + E, V) matrix whose rows sum to one, and (4 T', 3) + untouched triangles.
    """
    sharp = np.zeros(vertex_count, bool) if sharp is None else sharp
    only = np.ones(len(triangles), bool) if only is None else only
    split = triangles[only]

    half_edges = np.concatenate([split[:, [0, 1]], split[:, [1, 2]], split[:, [2, 0]]])
    opposite = np.concatenate([split[:, 2], split[:, 0], split[:, 1]])
    edges, edge_of, uses = np.unique(np.sort(half_edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.ravel()
    border = uses == 1

    even = _even_rules(edges, border, vertex_count, sharp)
    odd = _odd_rules(edges, edge_of, opposite, border | sharp[edges].any(axis=1), vertex_count)
    middle = vertex_count + edge_of.reshape(3, -1).T  # (T', 3): of edges 01, 12, 20
    a, b, c = split.T
    ab, bc, ca = middle.T
    corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    new = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1).reshape(-1, 3)
    return sparse.vstack([even, odd]).tocsr(), np.concatenate([triangles[~only], new])


def _even_rules(edges: np.ndarray, border: np.ndarray, count: int, sharp: np.ndarray) -> sparse.csr_matrix:
    """Rules of the old vertices: 1 - n beta of themselves, beta of each of their n neighbours."""
    ends = np.concatenate([edges, edges[:, ::-1]])
    on_border = np.concatenate([border, border])
    border_vertex = np.zeros(count, bool)
    border_vertex[edges[border].ravel()] = True
    valence = np.bincount(ends[:, 0], minlength=count)
    n = np.maximum(valence, 1)
    beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / n) / 4) ** 2) / n
    weight = np.where(border_vertex, 1 / 8, beta)
    weight[sharp] = 0.0
    # A border vertex heeds only its two neighbours along the border.
    heeded = ~border_vertex[ends[:, 0]] | on_border
    rows, columns = ends[heeded].T
    neighbours = sparse.coo_matrix((weight[rows], (rows, columns)), shape=(count, count)).tocsr()
    own = 1.0 - np.asarray(neighbours.sum(axis=1)).ravel()
    return sparse.diags(own) + neighbours


def _odd_rules(
    edges: np.ndarray, edge_of: np.ndarray, opposite: np.ndarray, midpoint: np.ndarray, count: int
) -> sparse.csr_matrix:
    """Rules of the edge vertices: 3/8 of both ends and 1/8 of both opposite corners, or the plain midpoint."""
    index = np.arange(len(edges))
    end_weight = np.where(midpoint, 1 / 2, 3 / 8)
    corner_weight = np.where(midpoint, 0.0, 1 / 8)[edge_of]
    rows = np.concatenate([index, index, edge_of])
    columns = np.concatenate([edges[:, 0], edges[:, 1], opposite])
    values = np.concatenate([end_weight, end_weight, corner_weight])
    return sparse.coo_matrix((values, (rows, columns)), shape=(len(edges), count)).tocsr()
