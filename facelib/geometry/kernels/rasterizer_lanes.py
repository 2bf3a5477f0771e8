"""Eight pixels of a row at once: the innermost step of the numba rasterizer, in vector instructions.

Written as LLVM's own vectors, since whether its loop vectoriser accepts a loop this short hangs on details of the
Python code. On a machine with narrower vectors LLVM splits them. Every operation is IEEE float32 in the order of the
torch reference, with no fused multiply-add, so the bits are the same everywhere.

Numba's cache looks only at the file of the caller: after a change here, save rasterizer.py beside it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 8

_LOWEST = -(2**31)
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FLOATS, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


@njit(cache=True, nogil=True, inline="always")
def order_of(value):  # type: ignore[no-untyped-def]
    """An int32 that is larger where the float32 is: its bits, all but the sign turned over for a negative number."""
    bits = np.float32(value).view(np.int32)
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@intrinsic
def draw_lanes(typing_context, nearness, owner, column, right, row, t, a, b, c, least):  # type: ignore[no-untyped-def]
    """Let triangle t have those pixels of one row, from a column on, that it covers and where it is nearest.

    Of equally near triangles the one of lower id keeps the pixel, in whatever order they are drawn.

    Args:
        nearness: address of eight int32, `order_of` 1/z or -z of the triangle that has the pixel.
        owner: address of eight int32, the id of that triangle, -1 for none. Both may reach beyond `right`.
        column: of the first pixel, int32.
        right: the column at which the triangle's bounding box ends, int32.
        row: v of the pixel centres, float32.
        t: id of the triangle, int32.
        a, b, c: corners, each (u, v, nearness) in float32, in the order in which edge functions are positive inside.
        least: the three edge functions that just count as inside, opposite to a, b and c.
    """
    corner = types.UniTuple(types.float32, 3)
    signature = types.void(nearness, owner, types.int32, types.int32, types.float32, types.int32, *(corner,) * 4)
    return signature, _build


def _build(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
    nearness_address, owner_address, column, right, row, t, *corners, least = arguments
    splat = _splatter(builder)
    subtract, multiply, add = builder.fsub, builder.fmul, builder.fadd

    columns = builder.add(splat(column), ir.Constant(_INTS, list(range(LANES))))
    u = add(builder.sitofp(columns, _FLOATS), ir.Constant(_FLOATS, [0.5] * LANES))
    relative, weights = [], []
    for corner in corners:
        corner_u, corner_v, weight = (builder.extract_value(corner, i) for i in range(3))
        relative.append((subtract(splat(corner_u), u), splat(subtract(corner_v, row))))
        weights.append(splat(weight))
    edges = []
    for first, second in ((1, 2), (2, 0), (0, 1)):
        (from_u, from_v), (to_u, to_v) = relative[first], relative[second]
        edges.append(subtract(multiply(from_u, to_v), multiply(from_v, to_u)))
    total = add(edges[0], add(edges[1], edges[2]))
    products = [multiply(edge, weight) for edge, weight in zip(edges, weights, strict=True)]
    near = builder.fdiv(add(products[0], add(products[1], products[2])), total)
    near = add(near, ir.Constant(_FLOATS, [0.0] * LANES))  # -0 becomes 0, which is as near

    near_pointer = builder.inttoptr(nearness_address, _INTS.as_pointer())
    owner_pointer = builder.inttoptr(owner_address, _INTS.as_pointer())
    nearest, owners, ids = builder.load(near_pointer, align=4), builder.load(owner_pointer, align=4), splat(t)
    ordered = builder.fcmp_ordered  # false for NaN
    covered = builder.and_(
        ordered(">", total, ir.Constant(_FLOATS, [0.0] * LANES)),
        ordered("<", near, ir.Constant(_FLOATS, [math.inf] * LANES)),
    )
    covered = builder.and_(covered, builder.icmp_signed("<", columns, splat(right)))
    for i, edge in enumerate(edges):
        covered = builder.and_(covered, ordered(">=", edge, splat(builder.extract_value(least, i))))
    # The nearness is stored as a maximum: a plain choice would become a masked store, which is slow.
    order = builder.select(covered, _order(builder, near), ir.Constant(_INTS, [_LOWEST] * LANES))
    nearer = builder.icmp_signed(">", order, nearest)
    tied = builder.and_(builder.icmp_signed("==", order, nearest), builder.icmp_signed("<", ids, owners))
    builder.store(builder.select(nearer, order, nearest), near_pointer, align=4)
    builder.store(builder.select(builder.or_(nearer, tied), ids, owners), owner_pointer, align=4)
    return context.get_dummy_value()


def _order(builder: ir.IRBuilder, value: Any) -> Any:
    """Integers in the order of float32 values: see `order_of`."""
    bits = builder.bitcast(value, _INTS)
    negative = builder.ashr(bits, ir.Constant(_INTS, [31] * LANES))
    return builder.xor(bits, builder.and_(negative, ir.Constant(_INTS, [0x7FFFFFFF] * LANES)))


def _splatter(builder: ir.IRBuilder) -> Callable[[Any], Any]:
    """A function that copies a number into every lane."""
    first_lane = ir.Constant(_INTS, [0] * LANES)

    def splat(value: Any) -> Any:
        undefined = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
        return builder.shuffle_vector(builder.insert_element(undefined, value, _INT(0)), undefined, first_lane)

    return splat
