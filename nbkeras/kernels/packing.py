"""Packing: parts of an operand copied to scratch in the order in which the register tile reads them.

A panel is the rows of x, as wide as the tile, side by side; a sliver is the columns of a, as high as the tile.
Transposed operands are turned block by block in registers.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.emission import WORD, edge_mask, load, loop, prefetch, private_function, store
from nbkeras.kernels.geometry import VECTORS, Geometry, geometry, same_pointers
from nbkeras.kernels.tile import AHEAD


def transpose(builder, shape: Geometry, rows):
    """The transpose of a lanes x lanes block in vectors: interleaved within 16 bytes, then 16-byte parts swapped."""
    lanes, part = shape.lanes, 16 // shape.item
    index = ir.VectorType(ir.IntType(32), lanes)

    def shuffle(first, second, pick):
        return builder.shuffle_vector(first, second, ir.Constant(index, [pick(i) for i in range(lanes)]))

    width = 1  # elements that already lie together
    while width < part:
        result = list(rows)
        half = part // 2

        def interleave(i, high, width=width, half=half):
            lane, place = divmod(i, part)
            unit, rest = divmod(place, width)
            source = lane * part + high * half + (unit // 2) * width + rest
            return source + (lanes if unit % 2 else 0)

        # Rows r and r + width of every group of 2*width hold neighbours; after the step result[r], result[r+...] hold
        # the low and the high half of both.
        for group in range(0, lanes, 2 * width):
            for r in range(width):
                first, second = rows[group + r], rows[group + width + r]
                result[group + 2 * r] = shuffle(first, second, lambda i: interleave(i, 0))
                result[group + 2 * r + 1] = shuffle(first, second, lambda i: interleave(i, 1))
        rows, width = result, 2 * width
    parts, step = lanes // part, 1
    while step < parts:
        result = list(rows)
        for r in range(lanes):
            if (r // part) & step == 0:
                first, second = rows[r], rows[r + step * part]

                def low(i, step=step):
                    lane, place = divmod(i, part)
                    return i if lane & step == 0 else lanes + (lane - step) * part + place

                def high(i, step=step):
                    lane, place = divmod(i, part)
                    return (lane + step) * part + place if lane & step == 0 else lanes + i

                result[r] = shuffle(first, second, low)
                result[r + step * part] = shuffle(first, second, high)
        rows, step = result, 2 * step
    return rows


def _emit_copy_panel(shape: Geometry, function):
    """panel[p*panel_columns + j] = x[p*x_row + j], zero beyond `columns`."""
    panel, x, x_row, depth, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    masks = [edge_mask(builder, shape, columns, v) for v in range(VECTORS)]

    def body(_, values):
        panel, x = values
        for v in range(VECTORS):
            source, to = (builder.gep(p, [WORD(v * shape.lanes)]) for p in (x, panel))
            store(builder, shape, load(builder, shape, source, masks[v]), to)
        return [builder.gep(panel, [WORD(shape.columns)]), builder.gep(x, [x_row])]

    loop(builder, depth, [panel, x], body)
    builder.ret_void()


def _emit_copy_panels(shape: Geometry, function):
    """panels[q*distance + p*panel_columns + j] = x[p*x_row + q*panel_columns + j] for `count` whole panels.

    A row of x is read at once: it may lie on a page of its own.
    """
    panels, x, x_row, depth, count, distance = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def copy(_, values):
        panel, x = values
        for v in range(VECTORS):
            source, to = (builder.gep(p, [WORD(v * shape.lanes)]) for p in (x, panel))
            store(builder, shape, load(builder, shape, source), to)
        return [builder.gep(panel, [distance]), builder.gep(x, [WORD(shape.columns)])]

    def body(_, values):
        panel, x = values
        prefetch(builder, builder.gep(x, [builder.mul(x_row, WORD(AHEAD // 4))]))
        loop(builder, count, [panel, x], copy)
        return [builder.gep(panel, [WORD(shape.columns)]), builder.gep(x, [x_row])]

    loop(builder, depth, [panels, x], body)
    builder.ret_void()


def _emit_transpose_panel(shape: Geometry, function):
    """panel[p*panel_columns + j] = x[j*x_row + p] for whole blocks of `lanes` steps of k.

    Columns from `columns` on repeat the last one. One vector of columns after the other: rows of x that lie a power of
    two apart share few places in the first cache.
    """
    panel, x, x_row, blocks, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = shape.lanes
    last = builder.sub(columns, WORD(1))
    following = builder.mul(x_row, WORD(shape.columns))

    def half(v, values):
        (start,) = values
        steps = []
        for j in range(lanes):
            column = builder.add(builder.mul(v, WORD(lanes)), WORD(j))
            column = builder.select(builder.icmp_signed("<", column, last), column, last)
            steps.append(builder.mul(x_row, column))

        def body(_, values):
            panel, x = values
            places = [builder.gep(x, [step]) for step in steps]
            for place in places:  # the same of the next panel
                prefetch(builder, builder.gep(place, [following]))
            rows = [load(builder, shape, place) for place in places]
            for p, row in enumerate(transpose(builder, shape, rows)):
                place = builder.gep(panel, [WORD(p * shape.columns)])
                store(builder, shape, row, place)
            return [builder.gep(panel, [WORD(lanes * shape.columns)]), builder.gep(x, [WORD(lanes)])]

        loop(builder, blocks, [start, x], body)
        return [builder.gep(start, [WORD(lanes)])]

    loop(builder, WORD(VECTORS), [panel], half)
    builder.ret_void()


def _emit_copy_slivers(shape: Geometry, function):
    """slivers[s*distance + p*sliver_rows + r] = a[p*a_column + s*sliver_rows + r] for `count` whole slivers.

    A row of a is read at once (it may lie on a page of its own), in pieces of powers of two.
    """
    slivers, a, a_column, depth, count, distance = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    pieces, start = [], 0
    while start < shape.rows:
        size = min(shape.lanes, 1 << ((shape.rows - start).bit_length() - 1))
        pieces.append((start, ir.VectorType(shape.element, size)))
        start += size

    def copy(_, values):
        sliver, a = values
        for start, kind in pieces:
            piece = builder.load(builder.bitcast(builder.gep(a, [WORD(start)]), kind.as_pointer()))
            piece.align = shape.item
            place = builder.bitcast(builder.gep(sliver, [WORD(start)]), kind.as_pointer())
            builder.store(piece, place).align = shape.item
        return [builder.gep(sliver, [distance]), builder.gep(a, [WORD(shape.rows)])]

    def body(_, values):
        sliver, a = values
        prefetch(builder, builder.gep(a, [builder.mul(a_column, WORD(AHEAD // 4))]))
        loop(builder, count, [sliver, a], copy)
        return [builder.gep(sliver, [WORD(shape.rows)]), builder.gep(a, [a_column])]

    loop(builder, depth, [slivers, a], body)
    builder.ret_void()


def _emit_transpose_sliver(shape: Geometry, function):
    """sliver[p*sliver_rows + r] = a[r*a_row + p] for whole blocks of `lanes` steps of k and a whole sliver.

    Vectors that reach beyond the rows repeat the last one; what they write too far is written over by the next step
    (after the last one: up to `lanes` elements behind the sliver).
    """
    sliver, a, a_row, blocks = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = shape.lanes
    steps = [builder.mul(a_row, WORD(r)) for r in range(shape.rows)]
    following = builder.mul(a_row, WORD(shape.rows))
    starts = range(0, shape.rows, lanes)

    def body(_, values):
        sliver, a = values
        for step in steps:  # of the next sliver
            prefetch(builder, builder.gep(builder.gep(a, [following]), [step]))
        turned = []
        for start in starts:
            rows = [builder.gep(a, [steps[min(start + r, shape.rows - 1)]]) for r in range(lanes)]
            turned.append(transpose(builder, shape, [load(builder, shape, row) for row in rows]))
        for p in range(lanes):
            for start, columns in zip(starts, turned, strict=True):
                place = builder.gep(sliver, [WORD(p * shape.rows + start)])
                store(builder, shape, columns[p], place)
        return [builder.gep(sliver, [WORD(lanes * shape.rows)]), builder.gep(a, [WORD(lanes)])]

    loop(builder, blocks, [sliver, a], body)
    builder.ret_void()


def _caller(emit_body, pointers, name, numbers):
    """The code generator of an intrinsic that calls one emitted function of two pointers and some numbers."""

    def codegen(context, builder, signature, values):
        shape = geometry(context, pointers)
        data = shape.element.as_pointer()
        kinds = [data, data] + [WORD] * numbers
        emit = functools.partial(emit_body, shape)
        builder.call(private_function(builder.module, f"{name}_{shape.suffix}", kinds, emit), values)
        return context.get_dummy_value()

    return codegen


@intrinsic
def copy_panel(typing_context, panel, x, x_row, depth, columns):
    """panel[p*panel_columns + j] = x[p*x_row + j] for `depth` rows of x, zero beyond `columns`."""
    same_pointers(panel, x)
    plain = types.void(panel, x, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_copy_panel, panel, "copy_panel", 3)


@intrinsic
def copy_panels(typing_context, panels, x, x_row, depth, count, distance):
    """panels[q*distance + p*panel_columns + j] = x[p*x_row + q*panel_columns + j] for `count` whole panels."""
    same_pointers(panels, x)
    plain = types.void(panels, x, types.int64, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_copy_panels, panels, "copy_panels", 4)


@intrinsic
def transpose_panel(typing_context, panel, x, x_row, blocks, columns):
    """panel[p*panel_columns + j] = x[j*x_row + p] for j < columns, `blocks` times one vector's steps of k."""
    same_pointers(panel, x)
    plain = types.void(panel, x, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_transpose_panel, panel, "transpose_panel", 3)


@intrinsic
def copy_slivers(typing_context, slivers, a, a_column, depth, count, distance):
    """slivers[s*distance + p*sliver_rows + r] = a[p*a_column + s*sliver_rows + r] for `count` whole slivers."""
    same_pointers(slivers, a)
    plain = types.void(slivers, a, types.int64, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_copy_slivers, slivers, "copy_slivers", 4)


@intrinsic
def transpose_sliver(typing_context, sliver, a, a_row, blocks):
    """sliver[p*sliver_rows + r] = a[r*a_row + p] for a whole sliver, `blocks` times one vector's steps of k."""
    same_pointers(sliver, a)
    plain = types.void(sliver, a, types.int64, types.int64)
    return plain, _caller(_emit_transpose_sliver, sliver, "transpose_sliver", 2)
