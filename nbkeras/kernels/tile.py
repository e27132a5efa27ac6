"""The innermost loop of matrix products and convolutions: a tile of sums in registers, one outer product a step.

LLVM's loop vectorizer does not build a register tile from plain loops, so it is emitted.

                 x: 2 vectors of a row            One step of k, AVX2: 2 loads, 6 broadcasts, 12 multiply-adds:
                 [ x0 ][ x1 ]                     6 cycles of the two FMA units, which nothing else delays.
    a:           -------------
    row 0        [c00][c01]
    ...                                           The order of the sum over k is the order of k, whatever the number
    row 5        [c50][c51]                       of rows: an element's bits don't depend on where its tile lies.

Where the factors of the rows stand is asked of an object with three methods, so that several kernels share the loop:

    start()                what the loop carries besides the sums: a list of values
    factor(r, carried)     the address of row r's factor at this step
    advance(carried)       what is carried into the next step

`StridedRows` serves matrices; `PointedRows` rows that lie anywhere, as the pixels of a convolution do. `accumulate`
may be called again with the sums that it returned, inside a `loop` too: once a filter tap, say.
"""

from __future__ import annotations

import math

from nbkeras.kernels.emission import WORD, edge_mask, load, loop, multiply_add, opaque, raw, splat, store
from nbkeras.kernels.geometry import VECTORS, Geometry

#: Steps of k that loads of an unpacked panel are asked for in advance.
AHEAD = 32


class StridedRows:
    """Factors a[r*a_row + p*a_column] (distances in bytes)."""

    def __init__(self, builder, rows: int, a, a_row, a_column):
        self.builder, self.a_column = builder, a_column
        # The rows are found from a few moving bases at a few fixed distances: all fit the address registers.
        self.group = math.isqrt(rows - 1) + 1
        self.bases = [
            opaque(builder, builder.gep(raw(builder, a), [builder.mul(a_row, WORD(first))]))
            for first in range(0, rows, self.group)
        ]
        self.steps = [opaque(builder, builder.mul(a_row, WORD(r))) if r else WORD(0) for r in range(self.group)]

    def start(self):
        return self.bases

    def factor(self, r, carried):
        return self.builder.gep(carried[r // self.group], [self.steps[r % self.group]])

    def advance(self, carried):
        return [opaque(self.builder, self.builder.gep(base, [self.a_column])) for base in carried]


class PointedRows:
    """Factors at pointers[r] + p*item: each row has a pointer of its own and lies side by side in k.

    More pointers than registers are read back from the stack, one load a row and step, which the load units do beside
    the multiply-adds.
    """

    def __init__(self, builder, shape: Geometry, pointers):
        self.builder, self.shape = builder, shape
        self.pointers = [raw(builder, pointer) for pointer in pointers]

    def start(self):
        return [WORD(0)]

    def factor(self, r, carried):
        return self.builder.gep(self.pointers[r], carried)

    def advance(self, carried):
        return [opaque(self.builder, self.builder.add(carried[0], WORD(self.shape.item)))]


def as_wide_as_needed(builder, shape: Geometry, rows: int, columns, emit, few: bool = False) -> None:
    """emit(tile) for a tile of VECTORS, and for one of a single vector where the columns fit that.

    With 16 units or fewer half of all multiply-adds were for columns that are not there: a product of 128x10x512 took
    1.6 times as long. Tiles of less than half of the rows stay as they are, unless they are common (`few`).
    """

    def cut(vectors):
        tile = Tile(builder, shape, rows, vectors)
        tile.masks = [edge_mask(builder, shape, columns, v) for v in range(vectors)]
        emit(tile)

    if 2 * rows < shape.rows and not few:
        cut(VECTORS)
        return
    with builder.if_else(builder.icmp_signed("<=", columns, WORD(shape.lanes))) as (narrow, wide):
        with narrow:
            cut(1)
        with wide:
            cut(VECTORS)


class Tile:
    """rows x `vectors` sums in registers, row by row; `masks` (one a vector) cut off columns beyond an edge.

    The masks, if any, hold for what reads and writes the tile in memory, not for x: panels are padded.
    """

    def __init__(self, builder, shape: Geometry, rows: int, vectors: int = VECTORS):
        self.builder, self.shape, self.rows, self.width = builder, shape, rows, vectors
        self.masks = None

    def zeros(self):
        return [self.shape.vector(None)] * (self.rows * self.width)

    def accumulate(self, sums, depth, factors, x, x_row, each_step=None):
        """The sums, plus `depth` outer products of the factors and the rows of x (x_row bytes apart).

        each_step(p, x, vectors): called at each step with its number, the address and the vectors of x's row.
        """
        builder, count = self.builder, len(sums)

        def body(index, values):
            sums, x, carried = values[:count], values[count], values[count + 1 :]
            columns = self.row(x)
            if each_step:
                each_step(index, x, columns)
            result = self.step(sums, factors, carried, columns)
            return [*result, builder.gep(x, [x_row]), *factors.advance(carried)]

        return loop(builder, depth, [*sums, raw(builder, x), *factors.start()], body)[:count]

    def step(self, sums, factors, carried, columns):
        """The sums, plus one outer product of the factors and the vectors of a row."""
        builder, shape = self.builder, self.shape
        result = []
        for r in range(self.rows):
            address = builder.bitcast(factors.factor(r, carried), shape.element.as_pointer())
            factor = splat(builder, shape, builder.load(address))
            for v, column in enumerate(columns):
                result.append(multiply_add(builder, shape, factor, column, sums[r * self.width + v]))
        return result

    def row(self, x):
        """The vectors of a row of x, read whole."""
        return [self._vector(x, v) for v in range(self.width)]

    def _place(self, row, v):
        return self.builder.gep(row, [WORD(v * self.shape.lanes * self.shape.item)])

    def _vector(self, row, v, masked=False):
        mask = self.masks[v] if masked and self.masks else None
        return load(self.builder, self.shape, self._place(row, v), mask)

    def vectors(self, pointer):
        """A row of the tile's width in memory, as far as it lies left of the edge."""
        return [self._vector(raw(self.builder, pointer), v, masked=True) for v in range(self.width)]

    def rows_at(self, pointer, stride):
        """The address of each row of a tile in memory whose rows lie `stride` bytes apart."""
        base = raw(self.builder, pointer)
        return [self.builder.gep(base, [self.builder.mul(stride, WORD(r))]) for r in range(self.rows)]

    def combine(self, sums, rows, then):
        """then(sum, vector) for each vector of a tile in memory, given by its rows' addresses."""
        return [
            then(sums[r * self.width + v], self._vector(row, v, masked=True))
            for r, row in enumerate(rows)
            for v in range(self.width)
        ]

    def store(self, sums, rows, columns=None):
        """Write the tile to its rows; with masks, `columns` is how many columns they leave."""
        builder, shape = self.builder, self.shape

        def write(v, mask=None):
            for r, row in enumerate(rows):
                store(builder, shape, sums[r * self.width + v], self._place(row, v), mask)

        if self.masks is None:
            for r, row in enumerate(rows):  # row by row: its vectors may share a cache line
                for v in range(self.width):
                    store(builder, shape, sums[r * self.width + v], self._place(row, v))
            return
        for v in range(self.width):
            # Masked stores are slow on some processors (Zen 3: 12 cycles each); whole vectors don't need them.
            with builder.if_else(builder.icmp_signed(">=", columns, WORD((v + 1) * shape.lanes))) as (full, part):
                with full:
                    write(v)
                with part, builder.if_then(builder.icmp_signed(">", columns, WORD(v * shape.lanes))):
                    write(v, self.masks[v])
