"""Register tiles of depthwise convolutions: lanes are channels, and each lane has filters of its own.

    multiply_taps   rows are target pixels of a line; a vector of a filter's tap is loaded once for all of them
    sum_products    sums are taps; a vector of output gradients is loaded once for all of them

A list of taps holds two numbers each, in bytes: how far its source lies from a pixel's, and where its filter begins.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.emission import WORD, edge_mask, load, loop, multiply_add, opaque, private_function, raw, store
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers
from nbkeras.kernels.tile import Tile

#: Vectors of a row -> rows: enough sums to hide how long a multiply-add takes.
ROWS = {1: 8, 2: 6}

#: Taps whose sums are held at once; each has an address register.
SUMS = 9


def _rows(shape: Geometry, vectors: int) -> int:
    return min(ROWS[vectors], shape.rows * 2 // vectors)


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

    NAMES = "y x w blocks read written taps count columns bias gate flags".split()
    KINDS = "dddnnnwnnddn"

    def __init__(self, shape: Geometry, vectors: int, rows: int):
        self.shape, self.vectors, self.rows, self.masked = shape, vectors, rows, vectors == 1
        self.name = f"{type(self).__name__}_{shape.suffix}_{vectors}_{rows}"

    def write(self, builder, at):
        shape, rows = self.shape, self.rows
        item = WORD(shape.item)
        tile = Tile(builder, shape, rows, self.vectors)
        mask = self.mask(builder, at["columns"])
        tile.masks = [mask] if self.masked else None
        read, written = builder.mul(at["read"], item), builder.mul(at["written"], item)
        # Rows are found from a few bases at a few distances: all fit the address registers.
        near = [opaque(builder, builder.mul(read, WORD(r))) for r in range(1, min(3, rows))]
        far = [opaque(builder, builder.mul(read, WORD(r))) for r in range(3, rows, 3)]
        w = raw(builder, at["w"])
        width = shape.lanes * shape.item

        def vectors_at(address):
            return [load(builder, shape, builder.gep(address, [WORD(v * width)]), mask) for v in range(self.vectors)]

        def block(_, carried):
            x, y, gate = carried

            def tap(_, values):
                sums, place = values[:-1], values[-1]
                base = builder.gep(x, [builder.load(place)])
                filters = vectors_at(builder.gep(w, [builder.load(builder.gep(place, [WORD(1)]))]))
                bases = [base, *(builder.gep(base, [step]) for step in far)]
                result = []
                for r in range(rows):
                    address = builder.gep(bases[r // 3], [near[r % 3 - 1]]) if r % 3 else bases[r // 3]
                    for v, value in enumerate(vectors_at(address)):
                        result.append(multiply_add(builder, shape, value, filters[v], sums[r * self.vectors + v]))
                return [*result, builder.gep(place, [WORD(2)])]

            sums = loop(builder, at["count"], [*tile.zeros(), at["taps"]], tap)[:-1]
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
        listed = [builder.load(builder.gep(at["taps"], [WORD(i)])) for i in range(2 * self.taps)]
        places = [builder.gep(raw(builder, at["sums"]), [place]) for place in listed[1::2]]
        read, written = builder.mul(at["read"], item), builder.mul(at["written"], item)

        def pixel(_, values):
            sums, (x, dy) = values[:-2], values[-2:]
            gradient = load(builder, shape, dy, mask)
            sums = [
                multiply_add(builder, shape, load(builder, shape, builder.gep(x, [shift]), mask), gradient, value)
                for value, shift in zip(sums, listed[::2], strict=True)
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
        typing_context, rows, y, x, w, blocks, read, written, taps, count, columns, bias, gate, flags
    ):  # fmt: skip
        same_pointers(y, x, w, bias, gate)
        n = types.int64

        def codegen(context, builder, signature, values):
            shape = geometry(context, y)
            functions = [PixelTaps(shape, vectors, rows) for rows in range(1, _rows(shape, vectors) + 1)]
            _call_one(builder, values[0], functions, values[1:])
            return context.get_dummy_value()

        return types.void(n, y, x, w, n, n, n, taps, n, n, bias, gate, n), codegen

    return multiply


#: y[p, c] = sum over the listed taps of x[p + shift, c] w[c]; then `flags`: for `blocks` blocks of `rows` pixels, which
#: lie `read` and `written` elements apart, and c below `columns`, one vector at most; or two whole vectors.
multiply_taps = _multiply_taps(1)
multiply_taps_pair = _multiply_taps(2)


@intrinsic(prefer_literal=True)
def most_rows(typing_context, like, vectors):
    """The most rows of `multiply_taps` for 1 vector, or of `multiply_taps_pair` for 2: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return WORD(_rows(geometry(context, like), vectors.literal_value))

    return types.int64(like, vectors), codegen


@intrinsic
def sum_products(typing_context, count, sums, x, dy, pixels, read, written, taps, columns):
    """sums[t, c] += sum over pixels of x[p + shift t, c] dy[p, c], for `count` listed taps, at most SUMS.

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
