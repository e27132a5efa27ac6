"""Register tiles of depthwise convolutions: lanes are channels, and each lane has filters of its own.

    multiply_taps   rows are target pixels of a line; a vector of a filter's tap is loaded once for all of them
    sum_products    sums are taps; a vector of output gradients is loaded once for all of them

Loads are what these loops wait for: of two operands of a multiply-add one would come from memory. So taps that read
neighbours are taken in runs: what the second tap of a run reads for a pixel the first has read for the next one.

A run of taps is three numbers, in bytes: how far the source of its first lies from a pixel's, where the filter of its
first begins, and from there to the filter of the next. Runs of each length are listed apart (`RUNS`).
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels import vector
from nbkeras.kernels.emission import (
    WORD,
    edge_mask,
    load,
    loop,
    multiply_add,
    opaque,
    prefetch,
    private_function,
    raw,
    store,
)
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers
from nbkeras.kernels.tile import Tile

#: Registers -> vectors of a row -> rows: enough sums to hide how long a multiply-add takes, and beside them room for
#: the filters of a run.
ROWS = {32: {1: 8, 2: 6}, 16: {1: 8, 2: 4}}

#: Taps that are listed at once.
TAPS = 64

#: Length of a run -> where in a list its runs begin; the longest, which reuse most, come first.
RUNS = {3: 0, 2: TAPS, 1: TAPS + 3 * TAPS // 2}
LISTED = RUNS[1] + 3 * TAPS

#: Taps whose sums are held at once; each has an address register.
SUMS = 9


def _rows(vectors: int) -> int:
    return ROWS[vector.registers()][vectors]


#: Bytes that pixels are asked for in advance: measured from memory 1.2-1.4 times as fast, from the caches the same.
AHEAD = 8192


class _Function:
    """Emits one function; a subclass names its arguments and writes its body."""

    def declare(self, module):
        """The function, emitted into a module when first asked for."""
        data, words = self.shape.element.as_pointer(), WORD.as_pointer()
        kinds = [{"d": data, "w": words, "n": WORD}[kind] for kind in self.KINDS]
        return private_function(module, self.name, kinds, self.emit)

    def emit(self, function):
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        for name, value in zip(self.NAMES, function.args, strict=True):
            value.name = name
        self.write(builder, dict(zip(self.NAMES, function.args, strict=True)))
        builder.ret_void()

    def mask(self, builder, columns):
        return edge_mask(builder, self.shape, columns, 0) if self.masked else None


class PixelTaps(_Function):
    """Blocks of `rows` pixels of a line, one after the other; one vector is masked, two are whole."""

    NAMES = "y x w blocks read written taps triples pairs singles columns bias gate flags".split()
    KINDS = "dddnnnwnnnnddn"

    def __init__(self, shape: Geometry, vectors: int, rows: int):
        self.shape, self.vectors, self.rows, self.masked = shape, vectors, rows, vectors == 1
        self.name = f"{type(self).__name__}_{shape.suffix}_{vectors}_{rows}"

    def write(self, builder, at):
        shape, rows = self.shape, self.rows
        tile = Tile(builder, shape, rows, self.vectors)
        mask = self.mask(builder, at["columns"])
        tile.masks = [mask] if self.masked else None
        read, written = (builder.mul(at[step], WORD(shape.item)) for step in ("read", "written"))
        # Pixels are found from a few bases at a few distances: all fit the address registers.
        near = [opaque(builder, builder.mul(read, WORD(r))) for r in (1, 2)]
        far = [opaque(builder, builder.mul(read, WORD(r))) for r in range(3, rows + max(RUNS) - 1, 3)]
        w = raw(builder, at["w"])
        width = shape.lanes * shape.item

        def vectors_at(address):
            return [load(builder, shape, builder.gep(address, [WORD(v * width)]), mask) for v in range(self.vectors)]

        def run_of(length, x):
            def run(_, values):
                sums, place = list(values[:-1]), values[-1]
                shift, first, step = (builder.load(builder.gep(place, [WORD(i)])) for i in range(3))
                addresses = [builder.gep(w, [first])]
                for _ in range(1, length):
                    addresses.append(builder.gep(addresses[-1], [step]))
                filters = [vectors_at(address) for address in addresses]
                base = builder.gep(x, [shift])
                bases = [base, *(builder.gep(base, [step]) for step in far)]
                for pixel in range(rows + length - 1):
                    address = bases[pixel // 3]
                    if pixel % 3:
                        address = builder.gep(address, [near[pixel % 3 - 1]])
                    for v, value in enumerate(vectors_at(address)):
                        for k in range(max(0, pixel - rows + 1), min(length, pixel + 1)):
                            i = (pixel - k) * self.vectors + v
                            sums[i] = multiply_add(builder, shape, value, filters[k][v], sums[i])
                return [*sums, builder.gep(place, [WORD(3)])]

            return run

        def block(_, carried):
            x, y, gate = carried
            sums = tile.zeros()
            for length, count in zip(RUNS, ("triples", "pairs", "singles"), strict=True):
                first = builder.gep(at["taps"], [WORD(RUNS[length])])
                sums = loop(builder, at[count], [*sums, first], run_of(length, x))[:-1]
            targets = tile.rows_at(y, written)
            sums = finish(tile, sums, at["flags"], targets, at["bias"], tile.rows_at(gate, written))
            tile.store(sums, targets, at["columns"])
            steps = read, written, written
            return [builder.gep(p, [builder.mul(s, WORD(rows))]) for p, s in zip(carried, steps, strict=True)]

        loop(builder, at["blocks"], [raw(builder, at[name]) for name in ("x", "y", "gate")], block)


class TapSums(_Function):
    """The sums over a line's pixels of `taps` taps, added to what they were; one vector of channels."""

    NAMES = "sums x dy pixels read written taps columns".split()
    KINDS = "dddnnnwn"

    def __init__(self, shape: Geometry, taps: int, masked: bool):
        self.shape, self.taps, self.masked = shape, taps, masked
        self.name = f"{type(self).__name__}_{shape.suffix}_{taps}_{'part' if masked else 'whole'}"

    def write(self, builder, at):
        shape, item = self.shape, WORD(self.shape.item)
        mask = self.mask(builder, at["columns"])
        listed = [builder.load(builder.gep(at["taps"], [WORD(i)])) for i in range(3 * self.taps)]
        shifts = listed[::3]
        places = [builder.gep(raw(builder, at["sums"]), [place]) for place in listed[1::3]]
        read, written = builder.mul(at["read"], item), builder.mul(at["written"], item)

        def pixel(_, values):
            sums, (x, dy) = values[:-2], values[-2:]
            gradient = load(builder, shape, dy, mask)
            for address in (dy, builder.gep(x, [shifts[-1]])):
                prefetch(builder, builder.gep(address, [WORD(AHEAD)]))
            sums = [
                multiply_add(builder, shape, load(builder, shape, builder.gep(x, [shift]), mask), gradient, value)
                for value, shift in zip(sums, shifts, strict=True)
            ]
            return [*sums, builder.gep(x, [read]), builder.gep(dy, [written])]

        sums = [load(builder, shape, place, mask) for place in places]
        sums = loop(builder, at["pixels"], [*sums, raw(builder, at["x"]), raw(builder, at["dy"])], pixel)[:-2]
        for value, place in zip(sums, places, strict=True):
            store(builder, shape, value, place, mask)


def _call_one(builder, choice, functions, arguments):
    """A call of functions[choice - 1]; of none if the choice is 0."""
    done = builder.append_basic_block("done")
    blocks = [builder.append_basic_block(made.name) for made in functions]
    jump = builder.switch(choice, done)
    for number, (block, made) in enumerate(zip(blocks, functions, strict=True), 1):
        jump.add_case(WORD(number), block)
        builder.position_at_end(block)
        builder.call(made.declare(builder.module), arguments)
        builder.branch(done)
    builder.position_at_end(done)


def _multiply_taps(vectors):
    @intrinsic
    def multiply(
        typing_context, rows, y, x, w, blocks, read, written, taps, triples, pairs, singles, columns, bias, gate, flags
    ):  # fmt: skip
        same_pointers(y, x, w, bias, gate)
        n = types.int64

        def codegen(context, builder, signature, values):
            shape = geometry(context, y)
            functions = [PixelTaps(shape, vectors, rows) for rows in range(1, _rows(vectors) + 1)]
            _call_one(builder, values[0], functions, values[1:])
            return context.get_dummy_value()

        return types.void(n, y, x, w, n, n, n, taps, n, n, n, n, bias, gate, n), codegen

    return multiply


#: y[p, c] = sum over the listed taps of x[p + shift, c] w[c]; then `flags`: for `blocks` blocks of `rows` pixels, which
#: lie `read` and `written` elements apart, and c below `columns`, one vector at most; or two whole vectors.
multiply_taps = _multiply_taps(1)
multiply_taps_pair = _multiply_taps(2)


@intrinsic(prefer_literal=True)
def most_rows(typing_context, vectors):
    """The most rows of `multiply_taps` for 1 vector, or of `multiply_taps_pair` for 2: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return WORD(_rows(vectors.literal_value))

    return types.int64(vectors), codegen


@intrinsic
def sum_products(typing_context, count, sums, x, dy, pixels, read, written, taps, columns):
    """sums[t, c] += sum over pixels of x[p + shift t, c] dy[p, c], for `count` listed runs of one tap, at most SUMS.

    Pixels lie `read` and `written` elements apart; c is below `columns` and in one vector.
    """
    same_pointers(sums, x, dy)
    n = types.int64

    def codegen(context, builder, signature, values):
        shape = geometry(context, x)
        whole = builder.icmp_signed(">=", values[-1], WORD(shape.lanes))
        with builder.if_else(whole) as blocks:
            for block, masked in zip(blocks, (False, True), strict=True):
                with block:
                    functions = [TapSums(shape, taps, masked) for taps in range(1, SUMS + 1)]
                    _call_one(builder, values[0], functions, values[1:])
        return context.get_dummy_value()

    return types.void(n, sums, x, dy, n, n, n, taps, n), codegen
