"""Products of a matrix and a vector: no register tile, the matrix passes by once.

`times_vector` sums along the rows of the matrix, `vector_times` down its columns:

    m [--------]  v |            v: - - -   m [||||||||]
      [--------]    |                         [||||||||]
      four rows at once: each         as many columns at once as
      read side by side               half the registers hold
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels import vector
from nbkeras.kernels.emission import (
    HALF,
    WORD,
    edge_mask,
    load,
    loop,
    multiply_add,
    prefetch,
    private_function,
    splat,
    store,
    when,
)
from nbkeras.kernels.geometry import Geometry, geometry, same_pointers

#: Rows that are summed at once, and vectors of each: so many additions are under way.
ROWS, ALONG = 4, 2

#: Vectors at once of columns that don't fill half the registers.
REST = 4

#: Rows that are asked for in advance.
AHEAD = 8


def _emit_times_vector(shape: Geometry, function):
    """c[r] = sum over p of m[r*m_row + p] * v[p]; lanes are summed apart, then in halves."""
    c, m, m_row, v, depth, rows = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    step = ALONG * shape.lanes
    whole = builder.sdiv(depth, WORD(step))
    rest = builder.sub(depth, builder.mul(whole, WORD(step)))
    masks = [edge_mask(builder, shape, rest, part) for part in range(ALONG)]
    last = builder.sub(rows, WORD(1))

    def group(index, _):
        first = builder.mul(index, WORD(ROWS))
        numbers = [builder.add(first, WORD(r)) for r in range(ROWS)]
        # Rows beyond the last repeat it.
        numbers = [builder.select(builder.icmp_signed("<", r, last), r, last) for r in numbers]
        starts = [builder.gep(m, [builder.mul(r, m_row)]) for r in numbers]

        def add(sums, at, masks):
            places = [builder.add(at, WORD(part * shape.lanes)) for part in range(ALONG)]
            factors = [load(builder, shape, builder.gep(v, [p]), mask) for p, mask in zip(places, masks, strict=True)]
            result = []
            for r, start in enumerate(starts):
                for part, (place, mask) in enumerate(zip(places, masks, strict=True)):
                    row = load(builder, shape, builder.gep(start, [place]), mask)
                    result.append(multiply_add(builder, shape, factors[part], row, sums[r * ALONG + part]))
            return result

        zeros = [shape.vector(None)] * (ROWS * ALONG)
        sums = loop(builder, whole, zeros, lambda i, s: add(s, builder.mul(i, WORD(step)), [None] * ALONG))
        some = builder.icmp_signed(">", rest, WORD(0))
        sums = when(builder, some, sums, lambda s: add(s, builder.mul(whole, WORD(step)), masks))
        for r, number in enumerate(numbers):
            row = functools.reduce(builder.fadd, sums[r * ALONG : (r + 1) * ALONG])
            builder.store(_sum(builder, shape, row), builder.gep(c, [number]))
        return []

    loop(builder, builder.sdiv(builder.add(rows, WORD(ROWS - 1)), WORD(ROWS)), [], group)
    builder.ret_void()


def _sum(builder, shape, value):
    """The sum of a vector's lanes: the upper half is added to the lower until one is left."""
    lanes = shape.lanes
    while lanes > 1:
        lanes //= 2
        pick = ir.Constant(ir.VectorType(HALF, lanes), [HALF(lanes + i) for i in range(lanes)])
        keep = ir.Constant(ir.VectorType(HALF, lanes), [HALF(i) for i in range(lanes)])
        upper, lower = (builder.shuffle_vector(value, value, half) for half in (pick, keep))
        value = builder.fadd(lower, upper)
    return builder.extract_element(value, HALF(0))


def _emit_vector_times(shape: Geometry, function):
    """c[j] = sum over p, in order, of v[p] * m[p*m_row + j]; plus c[j] if `add`."""
    c, m, m_row, v, depth, columns, add = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    adding = builder.icmp_signed("!=", add, WORD(0))
    distance = builder.mul(m_row, WORD(AHEAD))

    def block(at, vectors, masks):
        """The columns of some vectors."""
        steps = [WORD(i * shape.lanes) for i in range(vectors)]
        start, to = builder.gep(m, [at]), builder.gep(c, [at])

        def body(p, values):
            row, *sums = values
            factor = splat(builder, shape, builder.load(builder.gep(v, [p])))
            ahead = builder.gep(row, [distance])
            result = []
            for step, mask, value in zip(steps, masks, sums, strict=True):
                prefetch(builder, builder.gep(ahead, [step]))
                row_part = load(builder, shape, builder.gep(row, [step]), mask)
                result.append(multiply_add(builder, shape, factor, row_part, value))
            return [builder.gep(row, [m_row]), *result]

        _, *sums = loop(builder, depth, [start, *[shape.vector(None)] * vectors], body)

        def plus(sums):
            places = zip(sums, steps, masks, strict=True)
            return [builder.fadd(s, load(builder, shape, builder.gep(to, [step]), mask)) for s, step, mask in places]

        for value, step, mask in zip(when(builder, adding, sums, plus), steps, masks, strict=True):
            store(builder, shape, value, builder.gep(to, [step]), mask)

    def blocks(first, count, vectors, masked):
        def body(index, _):
            at = builder.add(first, builder.mul(index, WORD(vectors * shape.lanes)))
            left = builder.sub(columns, at)
            masks = [edge_mask(builder, shape, left, i) if masked else None for i in range(vectors)]
            block(at, vectors, masks)
            return []

        loop(builder, count, [], body)

    most = vector.registers() // 2
    whole = builder.sdiv(columns, WORD(most * shape.lanes))
    done = builder.mul(whole, WORD(most * shape.lanes))
    rest = builder.sub(columns, done)
    blocks(WORD(0), whole, most, masked=False)
    few = REST * shape.lanes
    blocks(done, builder.sdiv(builder.add(rest, WORD(few - 1)), WORD(few)), REST, masked=True)
    builder.ret_void()


def _caller(emit_body, pointers, name, kinds):
    def codegen(context, builder, signature, values):
        shape = geometry(context, pointers)
        data = shape.element.as_pointer()
        arguments = [data if kind == "p" else WORD for kind in kinds]
        emit = functools.partial(emit_body, shape)
        builder.call(private_function(builder.module, f"{name}_{shape.suffix}", arguments, emit), values)
        return context.get_dummy_value()

    return codegen


@intrinsic
def times_vector(typing_context, c, m, m_row, v, depth, rows):
    """c[r] = sum over p < depth of m[r*m_row + p] * v[p] for r < rows."""
    same_pointers(c, m, v)
    plain = types.void(c, m, types.int64, v, types.int64, types.int64)
    return plain, _caller(_emit_times_vector, c, "times_vector", "ppwpww")


@intrinsic
def vector_times(typing_context, c, m, m_row, v, depth, columns, add):
    """c[j] = sum over p < depth of v[p] * m[p*m_row + j] for j < columns; added to c[j] if `add`."""
    same_pointers(c, m, v)
    plain = types.void(c, m, types.int64, v, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_vector_times, c, "vector_times", "ppwpwww")
