"""Winograd's short convolutions, emitted for vectors of channels: 4 outputs of a filter of 3 from 6 products, not 12.

    y = Aᵀ [(G w) * (B d)]        d: 6 inputs, w: 3 taps, y: 4 outputs      (Lavin & Gray, 2015; along both axes 36
                                                                            products, not 144)

They interpolate at 0, a, -a, b, -b and infinity. With a = 3/4 and b = 3/2 the error of a sum over 128 channels is 1.8
times that of summing one by one (1.1e-6 and 6.1e-7 of the mean square; with the usual 1 and 2 it is 2.2e-6).
The gradient to the filter is of the same form: 3 outputs of a filter of 4, from the same 6 points.

    points    sums over d             scales of w
    0         prod of the others      1 / prod of (0 - others)
    ±a, ±b    even ± odd part         (1, p, p², ...) / prod of (p - others)
    infinity  prod of all             the last
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.emission import (
    WORD,
    edge_mask,
    load,
    loop,
    multiply_add,
    private_function,
    raw,
    splat,
    store,
    when,
)
from nbkeras.kernels.epilogue import finish
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers
from nbkeras.kernels.tile import StridedRows, Tile

#: Outputs of a tile along an axis, and what it reads there.
TILE = 4
SPAN = 6

A, B = 3 / 4, 3 / 2
POINTS = (0.0, A, -A, B, -B)


class _Line:
    """The four one-dimensional maps, on lists of vectors."""

    def __init__(self, builder, shape: Geometry):
        self.builder, self.shape = builder, shape

    def number(self, value):
        return splat(self.builder, self.shape, ir.Constant(self.shape.element, value))

    def plus(self, total, factor, value):
        """total + factor * value"""
        return multiply_add(self.builder, self.shape, self.number(factor), value, total)

    def times(self, factor, value):
        return self.builder.fmul(self.number(factor), value)

    def inputs(self, d):
        """6 -> 6: B d."""
        result = [None] * SPAN
        for i, first in ((0, 0), (5, 1)):
            middle = self.plus(d[first + 4], -(A * A + B * B), d[first + 2])
            result[i] = self.plus(middle, A * A * B * B, d[first])
        for i, p, other in ((1, A, B), (3, B, A)):
            even, odd = (self.plus(d[k + 2], -other * other, d[k]) for k in (2, 1))
            result[i], result[i + 1] = self.plus(even, p, odd), self.plus(even, -p, odd)
        return result

    def filters(self, w):
        """3 or 4 -> 6: G w."""
        result = [self.times(1 / (A * A * B * B), w[0])]
        for p, other in ((A, B), (B, A)):
            scale = 1 / (2 * p * p * (p * p - other * other))
            even, odd = self.times(scale, w[0]), self.times(scale * p, w[1])
            even = self.plus(even, scale * p * p, w[2])
            if len(w) > 3:
                odd = self.plus(odd, scale * p**3, w[3])
            result += [self.builder.fadd(even, odd), self.builder.fsub(even, odd)]
        return [*result, w[-1]]

    def outputs(self, m, count):
        """6 -> 4 or 3: Aᵀ m."""
        add, subtract = self.builder.fadd, self.builder.fsub
        even = [add(m[1], m[2]), add(m[3], m[4])]
        odd = [subtract(m[1], m[2]), subtract(m[3], m[4])]
        result = [add(m[0], add(*even))]
        for i in range(1, count):
            one, other = odd if i % 2 else even
            result.append(self.plus(self.times(A**i, one), B**i, other))
        result[-1] = add(result[-1], m[5])
        return result


def _nested(values, columns, change):
    """A map along columns, if there are several rows, then along rows; values are in rows of `columns`."""
    rows = [values[i : i + columns] for i in range(0, len(values), columns)]
    if len(rows) > 1:
        turned = [change([row[j] for row in rows]) for j in range(columns)]
        rows = [list(row) for row in zip(*turned, strict=True)]
    return [value for row in rows for value in change(row)]


def _change(line, name):
    if name == "inputs":
        return line.inputs, SPAN
    if name == "products":  # to the gradient of a filter
        return (lambda m: line.outputs(m, 3)), SPAN
    return line.filters, 4 if name == "slopes" else 3


def _emit_map(name, tall, shape, function):
    """For vectors of channels, one after the other: read at each of `places`, map, write `distance` bytes apart."""
    to, distance, places, count = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    change, columns = _change(_Line(builder, shape), name)
    sources = columns * columns if tall else columns
    starts = [builder.load(builder.gep(places, [WORD(i)])) for i in range(sources)]
    step = WORD(shape.lanes * shape.item)
    vectors = builder.udiv(count, WORD(shape.lanes))

    def body(_, carried):
        to, moved = carried
        values = []
        for start in starts:
            address = builder.inttoptr(builder.add(start, moved), shape.element.as_pointer())
            values.append(load(builder, shape, address))
        for i, value in enumerate(_nested(values, columns, change)):
            store(builder, shape, value, builder.gep(to, [builder.mul(distance, WORD(i))]))
        return [builder.gep(to, [step]), builder.add(moved, step)]

    loop(builder, vectors, [raw(builder, to), WORD(0)], body)
    builder.ret_void()


def _emit_sum(tall, shape, function):
    """For vectors of channels, one after the other: add what lies at each of a tile's `places` to `total`."""
    total, places, count = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    starts = [builder.load(builder.gep(places, [WORD(i)])) for i in range(TILE * TILE if tall else TILE)]
    step = WORD(shape.lanes * shape.item)

    def body(_, carried):
        total, moved = carried
        values = []
        for start in starts:
            address = builder.inttoptr(builder.add(start, moved), shape.element.as_pointer())
            values.append(load(builder, shape, address))
        while len(values) > 1:
            values = [builder.fadd(one, other) for one, other in zip(values[::2], values[1::2], strict=True)]
        store(builder, shape, builder.fadd(load(builder, shape, total), values[0]), total)
        return [builder.gep(total, [step]), builder.add(moved, step)]

    loop(builder, builder.udiv(count, WORD(shape.lanes)), [raw(builder, total), WORD(0)], body)
    builder.ret_void()


@intrinsic
def add_outputs(typing_context, tall, total, places, count):
    """total += what lies at the places of a tile's outputs (16, or 4 if not tall): `count` channels, whole vectors."""

    def codegen(context, builder, signature, values):
        tall, *arguments = values
        shape = geometry(context, signature.args[1])
        kinds = [shape.element.as_pointer(), WORD.as_pointer(), WORD]
        with builder.if_else(builder.icmp_signed("!=", tall, WORD(0))) as branches:
            for form, branch in zip((True, False), branches, strict=True):
                with branch:
                    emitted = f"winograd_sum_{shape.suffix}_{'tall' if form else 'flat'}"
                    emit = lambda function, form=form: _emit_sum(form, shape, function)  # noqa: E731
                    builder.call(private_function(builder.module, emitted, kinds, emit), arguments)
        return context.get_dummy_value()

    return types.void(types.int64, total, places, types.int64), codegen


def _mapping(name):
    """An intrinsic `(tall, to, distance, places, count)`: one of the maps for count channels, in whole vectors.

    Results are `distance` elements apart; places are the addresses of what is read, row by row: SPAN of them (of
    filters 3, of slopes 4), squared if tall.
    """

    @intrinsic
    def apply(typing_context, tall, to, distance, places, count):
        def codegen(context, builder, signature, values):
            tall, to, distance, places, count = values
            shape = geometry(context, signature.args[1])
            kinds = [shape.element.as_pointer(), WORD, WORD.as_pointer(), WORD]
            distance = builder.mul(distance, WORD(shape.item))
            with builder.if_else(builder.icmp_signed("!=", tall, WORD(0))) as branches:
                for form, branch in zip((True, False), branches, strict=True):
                    with branch:
                        emitted = f"winograd_{name}_{shape.suffix}_{'tall' if form else 'flat'}"
                        emit = lambda function, form=form: _emit_map(name, form, shape, function)  # noqa: E731
                        made = private_function(builder.module, emitted, kinds, emit)
                        builder.call(made, [to, distance, places, count])
            return context.get_dummy_value()

        return types.void(types.int64, to, types.int64, places, types.int64), codegen

    return apply


#: Pixels of a tile, filters, output gradients of a tile as filters; and sums over tiles as the gradient of a filter.
map_inputs, map_filters, map_slopes, map_products = (_mapping(n) for n in ("inputs", "filters", "slopes", "products"))


def _emit_finish(tall, shape, function):
    """A tile's outputs from its sums, with all that follows, to `targets`, the last output first.

    Where an output lies outside of the image its target is that of the nearest inside, which is written later.
    """
    c, targets, sums, distance, columns, bias, gate, flags = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    outputs = TILE * TILE if tall else TILE
    line = _Line(builder, shape)
    tile = Tile(builder, shape, outputs, 1)
    values = []
    for i in range(SPAN * SPAN if tall else SPAN):
        place = builder.gep(raw(builder, sums), [builder.mul(distance, WORD(i))])
        values.append(load(builder, shape, place))
    totals = _nested(values, SPAN, lambda m: line.outputs(m, TILE))[::-1]
    tile.masks = [edge_mask(builder, shape, columns, 0)]
    moves = [builder.mul(builder.load(builder.gep(targets, [WORD(r)])), WORD(shape.item)) for r in range(outputs)]
    rows, gates = ([builder.gep(raw(builder, p), [move]) for move in moves] for p in (c, gate))
    totals = finish(tile, totals, flags, rows, bias, gates)
    tile.store(totals, rows, columns)
    builder.ret_void()


@intrinsic
def finish_tile(typing_context, tall, c, targets, sums, distance, columns, bias, gate, flags):
    """c[targets[r] + j] = output (last - r) of a tile whose sums are `distance` elements apart; then `flags`.

    One vector of columns, of which `columns` are touched.
    """
    same_pointers(c, sums, bias, gate)
    n = types.int64

    def codegen(context, builder, signature, values):
        tall, c, targets, sums, distance, *rest = values
        shape = geometry(context, signature.args[1])
        data = shape.element.as_pointer()
        kinds = [data, WORD.as_pointer(), data, WORD, WORD, data, data, WORD]
        distance = builder.mul(distance, WORD(shape.item))
        with builder.if_else(builder.icmp_signed("!=", tall, WORD(0))) as branches:
            for form, branch in zip((True, False), branches, strict=True):
                with branch:
                    emitted = f"winograd_finish_{shape.suffix}_{'tall' if form else 'flat'}"
                    emit = lambda function, form=form: _emit_finish(form, shape, function)  # noqa: E731
                    made = private_function(builder.module, emitted, kinds, emit)
                    builder.call(made, [c, targets, sums, distance, *rest])
        return context.get_dummy_value()

    return types.void(n, c, targets, sums, n, n, bias, gate, n), codegen


def _emit_product(rows, shape, function):
    c, c_row, a, a_row, a_column, x, x_row, depth, more = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    c_row, a_row, a_column, x_row = (builder.mul(n, WORD(shape.item)) for n in (c_row, a_row, a_column, x_row))
    tile = Tile(builder, shape, rows)
    places = tile.rows_at(c, c_row)
    sums = tile.accumulate(tile.zeros(), depth, StridedRows(builder, rows, a, a_row, a_column), x, x_row)
    add = lambda sums: tile.combine(sums, places, builder.fadd)  # noqa: E731
    sums = when(builder, builder.icmp_signed("!=", more, WORD(0)), sums, add)
    tile.store(sums, places)
    builder.ret_void()


def _product(every):
    """An intrinsic `(rows, c, c_row, a, a_row, a_column, x, x_row, depth, more)`: a register tile of c (+)= a x.

    `rows` is sliver_rows(c), or with `every` from 1 to that; where `more` is 1 it is added to what c holds.
    """

    @intrinsic
    def multiply(typing_context, rows, c, c_row, a, a_row, a_column, x, x_row, depth, more):
        same_pointers(c, a, x)
        n = types.int64

        def codegen(context, builder, signature, values):
            rows, *arguments = values
            shape = geometry(context, c)
            data = shape.element.as_pointer()
            kinds = [data, WORD, data, WORD, WORD, data, WORD, WORD, WORD]
            done = builder.append_basic_block("done")
            counts = range(1 if every else shape.rows, shape.rows + 1)
            blocks = [builder.append_basic_block(f"rows{count}") for count in counts]
            choice = builder.switch(rows, blocks[-1])
            for count, block in zip(counts, blocks, strict=True):
                if count < shape.rows:
                    choice.add_case(WORD(count), block)
                builder.position_at_end(block)
                emit = functools.partial(_emit_product, count, shape)
                made = private_function(builder.module, f"winograd_product_{shape.suffix}_{count}", kinds, emit)
                builder.call(made, arguments)
                builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.void(n, c, n, a, n, n, x, n, n, n), codegen

    return multiply


multiply_whole, multiply_rows = _product(False), _product(True)
