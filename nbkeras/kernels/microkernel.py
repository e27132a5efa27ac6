"""`multiply`: one register tile of a matrix product, for each number of rows, whole or at the right edge of c."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.emission import WORD, prefetch, private_function, store
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers
from nbkeras.kernels.tile import AHEAD, StridedRows, Tile, as_wide_as_needed

#: The forms of `multiply`: for panels as wide as the tile, the same which also packs the panel as it reads it (whole
#: slivers only), and for the panel at the right edge of c.
WHOLE, PACKING, EDGE = 0, 1, 2


class Product:
    """Emits `multiply` in one of its forms for one number of rows."""

    NAMES = "c c_row a a_row a_column x x_row panel depth columns bias gate gate_row flags".split()

    def __init__(self, shape: Geometry, rows: int, form: int):
        self.shape, self.rows, self.form = shape, rows, form
        self.name = f"multiply_{shape.suffix}_{rows}_{form}"

    def declare(self, module):
        """The function, emitted into a module when first asked for."""
        data = self.shape.element.as_pointer()
        kinds = [data, WORD, data, WORD, WORD, data, WORD, data, WORD, WORD, data, data, WORD, WORD]
        return private_function(module, self.name, kinds, self.emit)

    def emit(self, function):
        """Write the body of the function; distances are in elements there, in bytes here."""
        shape, builder = self.shape, ir.IRBuilder(function.append_basic_block("entry"))
        for name, value in zip(self.NAMES, function.args, strict=True):
            value.name = name
        at = dict(zip(self.NAMES, function.args, strict=True))
        for name in ("c_row", "a_row", "a_column", "x_row", "gate_row"):
            at[name] = builder.mul(at[name], WORD(shape.item))
        if self.form == EDGE:
            as_wide_as_needed(builder, shape, self.rows, at["columns"], lambda tile: self._product(tile, at))
        else:
            self._product(Tile(builder, shape, self.rows), at)
        builder.ret_void()

    def _product(self, tile, at):
        builder, shape = tile.builder, self.shape
        c_rows = tile.rows_at(at["c"], at["c_row"])
        for row in c_rows:  # c is wanted when the loop ends
            prefetch(builder, row, near=3)
            prefetch(builder, builder.gep(row, [WORD(tile.width * shape.lanes * shape.item - 1)]), near=3)
        factors = StridedRows(builder, self.rows, at["a"], at["a_row"], at["a_column"])
        sums = self._accumulate(tile, at, factors)
        gate_rows = tile.rows_at(at["gate"], at["gate_row"])
        sums = finish(tile, sums, at["flags"], c_rows, at["bias"], gate_rows)
        tile.store(sums, c_rows, at["columns"])

    def _accumulate(self, tile, at, factors):
        operands = at["depth"], factors, at["x"], at["x_row"]
        if self.form != PACKING:
            return tile.accumulate(tile.zeros(), *operands)
        builder, shape = tile.builder, self.shape

        def pack(index, x, vectors):
            ahead = builder.gep(x, [builder.mul(at["x_row"], WORD(AHEAD))])
            for distance in range(0, shape.columns * shape.item, 64):
                prefetch(builder, builder.gep(ahead, [WORD(distance)]))
            row = builder.gep(at["panel"], [builder.mul(index, WORD(shape.columns))])
            for v, value in enumerate(vectors):
                store(builder, shape, value, builder.gep(row, [WORD(v * shape.lanes)]))

        return tile.accumulate(tile.zeros(), *operands, each_step=pack)


@intrinsic
def multiply(
    typing_context, rows, form, c, c_row, a, a_row, a_column, x, x_row, panel, depth, columns, bias, gate, gate_row,
    flags,
):  # fmt: skip
    """c[r, j] = sum over p < depth of a[r*a_row + p*a_column] * x[p*x_row + j], for rows x columns; then `flags`.

    `rows` is 1 to sliver_rows(c). x has panel_columns(c) columns, c the same or, with form EDGE, `columns`. With form
    PACKING (rows = sliver_rows(c)) the rows of x are copied to `panel`, for the slivers that follow.
    """
    same_pointers(c, a, x, panel, bias, gate)
    index = types.int64
    plain = types.void(index, index, c, index, a, index, index, x, index, panel, index, index, bias, gate, index, index)

    def codegen(context, builder, signature, values):
        shape = geometry(context, c)
        rows, form, *arguments = values
        done = builder.append_basic_block("done")
        kinds = [(count, form) for count in range(1, shape.rows + 1) for form in (WHOLE, EDGE)]
        whole = Product(shape, shape.rows, WHOLE)
        otherwise = builder.append_basic_block(whole.name)
        choice = builder.switch(builder.add(builder.shl(rows, WORD(2)), form), otherwise)
        blocks = [(otherwise, whole)]
        for count, kind in [*kinds[:-2], kinds[-1], (shape.rows, PACKING)]:
            product = Product(shape, count, kind)
            block = builder.append_basic_block(product.name)
            choice.add_case(WORD(4 * count + kind), block)
            blocks.append((block, product))
        for block, product in blocks:
            builder.position_at_end(block)
            builder.call(product.declare(builder.module), arguments)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return plain, codegen
