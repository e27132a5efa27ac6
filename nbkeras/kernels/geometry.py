"""The register tile: how many rows and vectors of sums the processor that is compiled for can hold.

AVX-512 holds 14 rows x 2x16 floats, AVX2 6 x 2x8, 128-bit vectors 8 x 2x4 (ARM) or 4 x 2x4 (SSE); of doubles half as
many columns. All that is emitted for matrices takes its shape from here.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from nbkeras.kernels import vector

#: Vectors of a row of the tile.
VECTORS = 2

#: (bytes of a register, registers) -> rows: as many sums as the registers hold beside the vectors of x and a factor
#: from a; 4 for SSE, which has no fused multiply-add and needs one more register for the product.
ROWS = {(64, 32): 14, (32, 16): 6, (16, 32): 8, (16, 16): 4}


class Geometry:
    """The register tile for an element type: `rows` x `columns`, the columns VECTORS vectors of `lanes` elements."""

    def __init__(self, element, register_bytes: int, registers: int):
        self.element = element
        self.item = 8 if isinstance(element, ir.DoubleType) else 4
        self.lanes = register_bytes // self.item
        self.rows = ROWS[register_bytes, registers]
        self.columns = VECTORS * self.lanes
        self.vector = ir.VectorType(element, self.lanes)
        self.mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.suffix = f"v{self.lanes}f{8 * self.item}"


def geometry(context, pointer: types.CPointer) -> Geometry:
    """The register tile of the processor that Numba compiles for."""
    return Geometry(context.get_value_type(pointer.dtype), vector.register_bytes(), vector.registers())


def tile_rows() -> int:
    """Rows of the register tile on the processor that Numba compiles for: the same for all element types."""
    return ROWS[vector.register_bytes(), vector.registers()]


def same_pointers(*kinds) -> None:
    """Refuse, while Numba types an intrinsic's arguments, pointers of several element types."""
    if not isinstance(kinds[0], types.CPointer) or any(kind != kinds[0] for kind in kinds):
        raise TypingError("the pointers of a microkernel have one element type.")


@intrinsic
def sliver_rows(typing_context, like):
    """Rows of the register tile for elements of a pointer's type: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return ir.IntType(64)(geometry(context, like).rows)

    return types.int64(like), codegen


@intrinsic
def panel_columns(typing_context, like):
    """Columns of the register tile for elements of a pointer's type: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return ir.IntType(64)(geometry(context, like).columns)

    return types.int64(like), codegen
