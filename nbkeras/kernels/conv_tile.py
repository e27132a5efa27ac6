"""Register tiles of convolutions, whose factors are found through addresses instead of in a column matrix.

    multiply_pixels    rows are target pixels, columns units; k runs over the taps and, within a tap, over the channels
                       of the source pixel that the tap reads: one address a row and tap (Dukhan, 2019)
    multiply_channels  rows are channels of a tap, columns units; k runs over runs of pixels: one moving address
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.conv_window import ROW, RUN
from nbkeras.kernels.emission import BYTE, WORD, loop, opaque, prefetch, private_function, raw
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import VECTORS, Geometry, geometry, same_pointers
from nbkeras.kernels.tile import PointedRows, as_wide_as_needed

#: Columns of a packed panel of filters, of either float type and on every processor: one or more tiles wide.
PANEL = 32

#: Sums of a tile of channels at least, if there are registers, so that no multiply-add waits for another (two a cycle,
#: of 4 cycles each, and some to spare): tiles of few rows take several pixels a step, each with sums of its own.
SUMS = 10

#: Pixels that channels are asked for in advance, by tiles that have time for it: a block of the gradient to a kernel.
#: Of a pixel a tile reads some channels alone, which the processor does not foresee: 1.1-2.1 times as fast for a single
#: tap, the same for several, whose pixels are in cache.
AHEAD = 128


class SideBySide:
    """Factors that follow each other from an address on."""

    def __init__(self, builder, shape: Geometry, address):
        self.builder, self.shape, self.address = builder, shape, address

    def factor(self, r, carried):
        return self.builder.gep(self.address, [WORD(r * self.shape.item)])


class _Product:
    """Emits a tile's function for one number of rows; a subclass says where the factors are.

    FEW: are tiles of few rows common?
    """

    FEW = False

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
        as_wide_as_needed(builder, self.shape, self.rows, at["columns"], lambda tile: self.product(tile, at), self.FEW)
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
    """Sums over runs of pixels, for channels that lie side by side.

    The factors of a step stand at fixed distances from one address, which are part of the instructions. (Distances
    found at run time had no registers left: of 8 channels and 16 units a step took 1.7 times as long.)
    """

    NAMES = "c c_row runs count shift step panel panel_row columns flags".split()
    FEW = True

    def kinds(self, data):
        return [data, WORD, WORD.as_pointer(), WORD, WORD, WORD, data, WORD, WORD, WORD]

    def rows_of(self, tile, at, pointer):
        return tile.rows_at(pointer, self.bytes_of(tile.builder, at["c_row"]))

    def sums(self, tile, at):
        builder, size = tile.builder, self.rows * tile.width
        panel = raw(builder, at["panel"])
        shift, step, row = (self.bytes_of(builder, at[name]) for name in ("shift", "step", "panel_row"))
        ahead = builder.mul(step, WORD(AHEAD))
        ways = min(-(-SUMS // size), self.shape.rows * VECTORS // size)

        def pixels(count):
            """The body of a loop that takes `count` pixels at once, each with sums of its own."""

            def body(_, values):
                *sums, source, place = values
                for first in range(0, count * size, size):
                    factors = SideBySide(builder, self.shape, source)
                    if ways == 1:
                        prefetch(builder, builder.gep(source, [ahead]))
                    sums[first : first + size] = tile.step(sums[first : first + size], factors, [], tile.row(place))
                    source, place = opaque(builder, builder.gep(source, [step])), builder.gep(place, [row])
                return [*sums, source, place]

            return body

        def run(_, values):
            *sums, runs = values
            address, number, count = (builder.load(builder.gep(runs, [WORD(i)])) for i in range(RUN))
            source = builder.inttoptr(builder.add(address, shift), BYTE.as_pointer())
            values = [*sums, source, builder.gep(panel, [builder.mul(number, row)])]
            if ways > 1:
                values = loop(builder, builder.udiv(count, WORD(ways)), values, pixels(ways))
                count = builder.urem(count, WORD(ways))
            values = loop(builder, count, values, pixels(1))
            return [*values[:-2], builder.gep(runs, [WORD(RUN)])]

        *sums, _ = loop(builder, at["count"], [*tile.zeros() * ways, at["runs"]], run)
        total = sums[:size]
        for first in range(size, ways * size, size):
            total = [builder.fadd(a, b) for a, b in zip(total, sums[first : first + size], strict=True)]
        return total

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
def multiply_channels(
    typing_context, rows, c, c_row, runs, count, shift, step, panel, panel_row, columns, flags
):  # fmt: skip
    """c[r*c_row + j] = sum over pixels p of `count` runs of factor(p)[r] * panel(p)[j]; then `flags`.

    A run (see `runs_of`) has its pixels `step` elements apart, and its factors `shift` elements after their addresses.
    Rows of the panel are read as wide as the tile.
    """
    same_pointers(c, panel)
    n = types.int64
    plain = types.void(n, c, n, runs, n, n, n, panel, n, n, n)

    def codegen(context, builder, signature, values):
        return _chooser(ChannelProduct, context, builder, c, values[0], values[1:])

    return plain, codegen
