"""Register tiles of convolutions, whose factors are found through addresses instead of in a column matrix.

    multiply_pixels    rows are target pixels, columns units; k runs over the taps and, within a tap, over the channels
                       of the source pixel that the tap reads: one address a row and tap (Dukhan, 2019)
    multiply_channels  rows are channels of taps, columns units; k runs over pixels: one address a step
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.conv_window import ROW
from nbkeras.kernels.emission import BYTE, WORD, loop, opaque, prefetch, private_function, raw
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers
from nbkeras.kernels.tile import PointedRows, as_wide_as_needed

#: Columns of a packed panel of filters, of either float type and on every processor: one or more tiles wide.
PANEL = 32


class ChannelRows:
    """Factors at a distance of each row's own (in bytes) from the address that a list holds for this step."""

    def __init__(self, builder, addresses, distances):
        self.builder, self.addresses, self.distances = builder, addresses, distances

    def start(self):
        return [self.addresses, self.builder.load(self.addresses)]

    def factor(self, r, carried):
        step = self.builder.inttoptr(carried[1], BYTE.as_pointer())
        return self.builder.gep(step, [self.distances[r]])

    def advance(self, carried):
        following = self.builder.gep(carried[0], [WORD(1)])
        return [following, opaque(self.builder, self.builder.load(following))]


class _Product:
    """Emits a tile's function for one number of rows; a subclass says where the factors are."""

    def __init__(self, shape: Geometry, rows: int):
        self.shape, self.rows = shape, rows
        self.name = f"{type(self).__name__}_{shape.suffix}_{rows}"

    def declare(self, module):
        """The function, emitted into a module when first asked for."""
        return private_function(module, self.name, self.kinds(self.shape.element.as_pointer()), self.emit)

    def emit(self, function):
        """Write the body; distances are in elements outside, in bytes here."""
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        for name, value in zip(self.NAMES, function.args, strict=True):
            value.name = name
        at = dict(zip(self.NAMES, function.args, strict=True))
        as_wide_as_needed(builder, self.shape, self.rows, at["columns"], lambda tile: self.product(tile, at))
        builder.ret_void()

    def product(self, tile, at):
        builder, last = tile.builder, WORD(tile.width * self.shape.lanes * self.shape.item - 1)
        for row in self.rows_of(tile, at, at["c"]):  # c is wanted when the sum is done
            prefetch(builder, row, near=3)
            prefetch(builder, builder.gep(row, [last]), near=3)
        sums = self.sums(tile, at)
        rows = self.rows_of(tile, at, at["c"])
        sums = self.finished(tile, sums, at, rows)
        tile.store(sums, rows, at["columns"])

    def bytes_of(self, builder, count):
        return builder.mul(count, WORD(self.shape.item))


class PixelProduct(_Product):
    """Sums over taps and their channels, for pixels."""

    NAMES = "c targets places taps depth shift panel columns bias gate flags".split()

    def kinds(self, data):
        words = WORD.as_pointer()
        return [data, words, words, WORD, WORD, WORD, data, WORD, data, data, WORD]

    def rows_of(self, tile, at, pointer):
        builder = tile.builder
        targets = [builder.load(builder.gep(at["targets"], [WORD(r)])) for r in range(self.rows)]
        return [builder.gep(raw(builder, pointer), [self.bytes_of(builder, target)]) for target in targets]

    def sums(self, tile, at):
        builder = tile.builder
        panel, shift = raw(builder, at["panel"]), self.bytes_of(builder, at["shift"])
        row = WORD(PANEL * self.shape.item)

        def tap(_, values):
            sums, places = values[:-1], values[-1]
            words = [builder.load(builder.gep(places, [WORD(r)])) for r in (*range(self.rows), ROW - 1)]
            pointers = [builder.inttoptr(builder.add(w, shift), self.shape.element.as_pointer()) for w in words[:-1]]
            factors = PointedRows(builder, self.shape, pointers)
            sums = tile.accumulate(sums, at["depth"], factors, builder.gep(panel, [words[-1]]), row)
            return [*sums, builder.gep(places, [WORD(ROW)])]

        return loop(builder, at["taps"], [*tile.zeros(), at["places"]], tap)[:-1]

    def finished(self, tile, sums, at, rows):
        return finish(tile, sums, at["flags"], rows, at["bias"], self.rows_of(tile, at, at["gate"]))


class ChannelProduct(_Product):
    """Sums over pixels, for channels that taps read."""

    NAMES = "c c_row addresses pixels distances panel panel_row columns flags".split()

    def kinds(self, data):
        words = WORD.as_pointer()
        return [data, WORD, words, WORD, words, data, WORD, WORD, WORD]

    def rows_of(self, tile, at, pointer):
        return tile.rows_at(pointer, self.bytes_of(tile.builder, at["c_row"]))

    def sums(self, tile, at):
        builder = tile.builder
        distances = [builder.load(builder.gep(at["distances"], [WORD(r)])) for r in range(self.rows)]
        factors = ChannelRows(builder, at["addresses"], distances)
        row = self.bytes_of(builder, at["panel_row"])
        return tile.accumulate(tile.zeros(), at["pixels"], factors, at["panel"], row)

    def finished(self, tile, sums, at, rows):
        return finish(tile, sums, at["flags"], rows, at["c"], rows)


def _chooser(product, context, builder, pointer, rows, arguments):
    """A jump to the function of a product for a number of rows."""
    shape = geometry(context, pointer)
    done = builder.append_basic_block("done")
    products = [product(shape, count) for count in range(1, shape.rows + 1)]
    blocks = [builder.append_basic_block(made.name) for made in products]
    choice = builder.switch(rows, blocks[-1])
    for count, (block, made) in enumerate(zip(blocks, products, strict=True), 1):
        if count < shape.rows:
            choice.add_case(WORD(count), block)
        builder.position_at_end(block)
        builder.call(made.declare(builder.module), arguments)
        builder.branch(done)
    builder.position_at_end(done)
    return context.get_dummy_value()


@intrinsic
def multiply_pixels(
    typing_context, rows, c, targets, places, taps, depth, shift, panel, columns, bias, gate, flags
):  # fmt: skip
    """c[targets[r] + j] = sum over t < taps, p < depth of factor(t, r)[p] * panel(t)[p*PANEL + j]; then `flags`.

    factor(t, r) is the address places[t*ROW + r], moved by `shift` elements; panel(t) lies places[t*ROW + ROW - 1]
    bytes after `panel`. `rows` is 1 to sliver_rows(c); columns beyond `columns` are not touched. The gate lies as c.
    """
    same_pointers(c, panel, bias, gate)
    n = types.int64
    plain = types.void(n, c, targets, places, n, n, n, panel, n, bias, gate, n)

    def codegen(context, builder, signature, values):
        return _chooser(PixelProduct, context, builder, c, values[0], values[1:])

    return plain, codegen


@intrinsic
def multiply_channels(typing_context, rows, c, c_row, addresses, pixels, distances, panel, panel_row, columns, flags):
    """c[r*c_row + j] = sum over p < pixels of factor(p, r) * panel[p*panel_row + j]; then `flags`.

    factor(p, r) lies distances[r] bytes after the address addresses[p]. Rows of the panel are read as wide as the tile.
    """
    same_pointers(c, panel)
    n = types.int64
    plain = types.void(n, c, n, addresses, n, distances, panel, n, n, n)

    def codegen(context, builder, signature, values):
        return _chooser(ChannelProduct, context, builder, c, values[0], values[1:])

    return plain, codegen
