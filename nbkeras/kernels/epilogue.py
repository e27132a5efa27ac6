"""What happens to a tile between its sum and its place in memory: earlier sums, bias, residual, activation, gate."""

from __future__ import annotations

from llvmlite import ir

from nbkeras.kernels.emission import WORD, private_function, when
from nbkeras.kernels.formula import Value, emit
from nbkeras.kernels.scalars import ACTIVATIONS, RESIDUAL, activate, activation_slope, relu
from nbkeras.kernels.tile import Tile

#: What is done, in this order; a sum of these and of codes of activations (see scalars.ACTIVATIONS) times GATE and
#: ACTIVATE.
ADD_BEFORE = 1  # add c: it holds the sum over an earlier part of k
BIAS = 2  # add the bias
GATE = 1 << 16  # times the code: multiply by the slope of the activation whose output is `gate`; RESIDUAL: add `gate`
ACTIVATE = 1 << 8  # times the code: apply the activation
ADD_AFTER = 4  # add c after all else: it holds another result

RELU = ACTIVATIONS["relu"]


def finish(tile: Tile, sums, flags, c_rows, bias, gate_rows):
    """The sums after all that `flags` (a value known at run time) asks for.

    Args:
        c_rows, gate_rows: addresses of the tile's rows in c and in the gate (see `Tile.rows_at`).
        bias: pointer to the bias of the tile's first column.
    """
    builder, shape = tile.builder, tile.shape

    def asked(bit):
        return builder.icmp_signed("!=", builder.and_(flags, WORD(bit)), WORD(0))

    def code(unit):
        return builder.and_(builder.sdiv(flags, WORD(unit)), WORD(GATE // ACTIVATE - 1))

    def add_c(sums):
        return tile.combine(sums, c_rows, builder.fadd)

    def add_bias(sums):
        vectors = tile.vectors(bias)
        return [builder.fadd(value, vectors[i % tile.width]) for i, value in enumerate(sums)]

    # relu and its slope are applied where they stand, the others by a call for each vector.
    activation, gate_code = code(ACTIVATE), code(GATE)

    def rectify(sums):
        return [emit(relu.trace, builder, [value]) for value in sums]

    def apply(sums):
        return [builder.call(_choice(builder, shape, activate), [activation, value]) for value in sums]

    def rectified(value, gate):
        slope = emit(lambda y: activation_slope.trace(RELU, y), builder, [gate])
        return builder.fmul(value, slope)

    def followed(value, gate):
        return builder.call(_gate(builder, shape), [gate_code, value, gate])

    sums = when(builder, asked(ADD_BEFORE), sums, add_c)
    sums = when(builder, asked(BIAS), sums, add_bias)
    for comparison, change in (("==", rectified), (">", followed)):
        gated = builder.icmp_signed(comparison, gate_code, WORD(RELU))
        sums = when(builder, gated, sums, lambda sums, change=change: tile.combine(sums, gate_rows, change))
    sums = when(builder, builder.icmp_signed("==", activation, WORD(RELU)), sums, rectify)
    sums = when(builder, builder.icmp_signed(">", activation, WORD(RELU)), sums, apply)
    return when(builder, asked(ADD_AFTER), sums, add_c)


def _choice(builder, shape, formula):
    """`formula(code, vector)` as a function, so that its many cases stand in the code once."""

    def emit_choice(function):
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        builder.ret(formula.trace(*(Value(builder, argument) for argument in function.args)).value)

    name = f"{formula._name}_{shape.suffix}"
    return private_function(builder.module, name, [WORD, shape.vector], emit_choice, shape.vector)


def _gate(builder, shape):
    """`formula(code, value, gate)`: the value times the slope at the gate, or with RESIDUAL the sum of both.

    A function for the residual too: written out in every tile it took 7 % longer to compile what a model needs.
    """

    def emit_gate(function):
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        code, value, gate = function.args
        with builder.if_then(builder.icmp_signed("==", code, WORD(RESIDUAL))):
            builder.ret(builder.fadd(value, gate))
        slope = builder.call(_choice(builder, shape, activation_slope), [code, gate])
        builder.ret(builder.fmul(value, slope))

    return private_function(
        builder.module, f"gate_{shape.suffix}", [WORD, shape.vector, shape.vector], emit_gate, shape.vector
    )
