"""Formulas: Python functions that are traced to LLVM code, for one number or for a vector of them.

A formula is written once, with operators, Python constants and the functions below, and has three lives:

- In a kernel of either device it is called like a function, and emits straight-line code for the caller's type
  (float32, float64, int64): no Numba analysis of its body, so it costs next to no compile time.
- In `elementwise.py` it is traced for whole vectors, so nothing rests on LLVM's loop vectorizer.
- Called from Python it computes on NumPy values, which is what the simulator of numba.cuda and the tests do.

Constants take the type of what they meet, so float32 work stays float32. All code is branch-free: `select` instead of
`if`. Every floating-point instruction carries its own flag (`contract`), which keeps Numba from adding others: a
kernel compiled with `reassoc` can't undo the error-compensating terms of a formula.
"""

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import _Intrinsic

FLAGS = ("contract",)
FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()
BIT = ir.IntType(1)


class Value:
    """A traced number: an LLVM value (scalar or vector of float, double or integer) and the builder to extend it."""

    __array_priority__ = 1000

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    @property
    def type(self):
        return self.value.type

    @property
    def element(self):
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    @property
    def is_float(self):
        return self.element in (FLOAT, DOUBLE)

    def shaped(self, element):
        """The type with this value's number of lanes and another element."""
        return ir.VectorType(element, self.type.count) if isinstance(self.type, ir.VectorType) else element

    def lift(self, other):
        """A number or value as a value of this type."""
        if isinstance(other, Value):
            return other
        element = self.element
        if not self.is_float:
            width = element.width
            other = int(other) & ((1 << width) - 1) if width > 1 else int(bool(other))
            if width > 1 and other >> (width - 1):
                other -= 1 << width
        else:
            other = float(np.float32(other)) if element == FLOAT else float(other)
        constant = ir.Constant(element, other)
        if isinstance(self.type, ir.VectorType):
            constant = ir.Constant(self.type, [constant] * self.type.count)
        return Value(self.builder, constant)

    def make(self, name, other, swap=False, flags=()):
        a, b = self.value, self.lift(other).value
        if swap:
            a, b = b, a
        return Value(self.builder, getattr(self.builder, name)(a, b, flags=flags))

    def _arithmetic(name):
        def method(self, other, swap=False):
            return self.make("f" + name, other, swap, FLAGS) if self.is_float else self.make(name, other, swap)

        return method, lambda self, other: method(self, other, True)

    __add__, __radd__ = _arithmetic("add")
    __sub__, __rsub__ = _arithmetic("sub")
    __mul__, __rmul__ = _arithmetic("mul")

    def __truediv__(self, other):
        return self.make("fdiv", other, False, FLAGS)

    def __rtruediv__(self, other):
        return self.make("fdiv", other, True, FLAGS)

    def __neg__(self):
        # NVVM's IR is older than the instruction fneg
        return self.make("fsub", -0.0, True, FLAGS) if self.is_float else self.make("sub", 0, True)

    def __and__(self, other):
        return self.make("and_", other)

    def __or__(self, other):
        return self.make("or_", other)

    def __xor__(self, other):
        return self.make("xor", other)

    def __invert__(self):
        return self.make("xor", -1 if self.element != BIT else 1)

    def __lshift__(self, other):
        return self.make("shl", other)

    def __rshift__(self, other):
        return self.make("lshr", other)  # formulas shift non-negative integers only: AVX2 has no other 64-bit shift

    def compare(self, operator, other):
        other = self.lift(other).value
        if self.is_float:
            emit = self.builder.fcmp_unordered if operator == "!=" else self.builder.fcmp_ordered
            return Value(self.builder, emit(operator, self.value, other, flags=FLAGS))
        return Value(self.builder, self.builder.icmp_signed(operator, self.value, other))

    __hash__ = None
    __lt__ = functools.partialmethod(compare, "<")
    __le__ = functools.partialmethod(compare, "<=")
    __gt__ = functools.partialmethod(compare, ">")
    __ge__ = functools.partialmethod(compare, ">=")
    __eq__ = functools.partialmethod(compare, "==")
    __ne__ = functools.partialmethod(compare, "!=")

    def __bool__(self):
        raise TypeError("a formula is branch-free: use select(condition, a, b) instead of if, and, or")

    def call(self, name, *others):
        """An LLVM intrinsic of this type, such as `llvm.sqrt`."""
        words = f".v{self.type.count}" if isinstance(self.type, ir.VectorType) else "."
        words += {FLOAT: "f32", DOUBLE: "f64"}[self.element]
        arguments = [self.value, *(self.lift(other).value for other in others)]
        module = self.builder.module
        function = module.globals.get(name + words)
        if function is None:
            kind = ir.FunctionType(self.type, [self.type] * len(arguments))
            function = ir.Function(module, kind, name=name + words)
        return Value(self.builder, self.builder.call(function, arguments))

    def convert(self, name, element):
        return Value(self.builder, getattr(self.builder, name)(self.value, self.shaped(element)))


def select(condition, a, b):
    """a where the condition holds, else b."""
    if isinstance(condition, Value):
        like = next(v for v in (a, b) if isinstance(v, Value))
        chosen = condition.builder.select(condition.value, like.lift(a).value, like.lift(b).value)
        return Value(condition.builder, chosen)
    return np.where(condition, a, b)[()]


def constant(number, like):
    """A number in the type of `like`."""
    return like.lift(number) if isinstance(like, Value) else like.dtype.type(number)


def is_double(x) -> bool:
    """Whether a formula works in float64: decided while tracing, so an `if` on it costs nothing."""
    return x.element == DOUBLE if isinstance(x, Value) else np.asarray(x).dtype.itemsize == 8


def is_integer(x) -> bool:
    return not x.is_float if isinstance(x, Value) else np.asarray(x).dtype.kind in "iu"


def bits(x):
    """The bits of a float as an integer of its size."""
    if isinstance(x, Value):
        return x.convert("bitcast", ir.IntType(64 if is_double(x) else 32))
    return x.view(np.int64 if is_double(x) else np.int32)


def floating(i):
    """The float that has these bits."""
    if isinstance(i, Value):
        return i.convert("bitcast", DOUBLE if i.element.width == 64 else FLOAT)
    return i.view(np.float64 if i.dtype.itemsize == 8 else np.float32)


def flag(condition, like):
    """1 where the condition holds, else 0, in the type of `like`."""
    if isinstance(condition, Value):
        return select(condition, like.lift(1), 0) if like.is_float else condition.convert("zext", like.element)
    return np.asarray(condition).astype(like.dtype)[()]


def _unary(intrinsic, numpy_function):
    def function(x):
        return x.call(intrinsic) if isinstance(x, Value) else numpy_function(x)

    function.__name__ = numpy_function.__name__
    return function


sqrt_of = _unary("llvm.sqrt", np.sqrt)
floor_of = _unary("llvm.floor", np.floor)
ceil_of = _unary("llvm.ceil", np.ceil)


def trunc_of(x):
    """x without its fraction, cut towards 0, -0 kept. (NVVM 12.9 to 13.1 has no llvm.trunc.)"""
    return signed(floor_of(magnitude(x)), sign_bit(x))


def round_of(x):
    """x to the nearest whole number, halves to even: 2**23 (2**52) has no room for a fraction. (NVVM has no rint.)"""
    room = 2.0**52 if is_double(x) else 2.0**23
    a = magnitude(x)
    return select(a < room, signed((a + room) - room, sign_bit(x)), x)


def magnitude(x):
    """|x|, by clearing the sign bit (exact for NaN and -0 too)."""
    if is_integer(x):
        return select(x < 0, -x, x)
    return floating(bits(x) & (0x7FFFFFFFFFFFFFFF if is_double(x) else 0x7FFFFFFF))


def sign_bit(x):
    """The bits of x with all but the sign cleared."""
    return bits(x) & (-0x8000000000000000 if is_double(x) else -0x80000000)


def signed(x, sign):
    """x >= 0 with the sign given by `sign_bit`."""
    return floating(bits(x) | sign)


def polynomial(x, coefficients):
    """Horner's rule: c0 + x*(c1 + x*(c2 + ...))."""
    result = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result


def nearest(x):
    """(k, i): x, |x| < 2**22 (2**51), rounded to nearest, as float and as integer.

    Adding 1.5 * 2**23 leaves the integer in the low bits of the mantissa: one addition instead of two conversions.
    """
    magic = 6755399441055744.0 if is_double(x) else 12582912.0
    shifted = x + magic
    return shifted - magic, bits(shifted) - (0x4338000000000000 if is_double(x) else 0x4B400000)


def quotient(x, y):
    """x / y of integers, cut towards 0; 0 for y = 0."""
    if isinstance(x, Value):
        safe = select((y == 0) | (y == -1), 1, y)  # the least integer by -1 would trap
        result = Value(x.builder, x.builder.sdiv(x.value, safe.value))
        return select(y == 0, 0, select(y == -1, -x, result))
    if y == 0:
        return x * 0
    return x // y + ((x % y != 0) & ((x < 0) != (y < 0)))


def repeat(count, step, state):
    """state = step(*state), so many times: a loop in the traced code."""
    if not isinstance(state[0], Value):
        for _ in range(count):
            state = step(*state)
        return state
    builder = state[0].builder
    before, inside = builder.block, builder.function.append_basic_block("repeat")
    done = builder.function.append_basic_block("done")
    builder.branch(inside)
    builder.position_at_end(inside)
    word = ir.IntType(32)
    index = builder.phi(word)
    index.add_incoming(word(0), before)
    phis = [builder.phi(value.type) for value in state]
    for phi, value in zip(phis, state, strict=True):
        phi.add_incoming(value.value, before)
    state = step(*(Value(builder, phi) for phi in phis))
    for phi, value in zip(phis, state, strict=True):
        phi.add_incoming(value.value, builder.block)
    following = builder.add(index, word(1))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, word(count)), inside, done)
    builder.position_at_end(done)
    return state


def widened(i):
    """A non-negative integer of 32 bits as one of 64."""
    return i.convert("zext", ir.IntType(64)) if isinstance(i, Value) else np.asarray(i).astype(np.int64)[()]


def narrowed(i):
    """The low 32 bits of an integer of 64."""
    return i.convert("trunc", ir.IntType(32)) if isinstance(i, Value) else np.asarray(i).astype(np.int32)[()]


def floated(i):
    """An integer of 32 bits as the nearest float32."""
    return i.convert("sitofp", FLOAT) if isinstance(i, Value) else np.asarray(i).astype(np.float32)[()]


def from_integer(i):
    """An integer, |i| < 2**22 (2**51), as the float of its size: the inverse of `nearest`."""
    double = (i.element.width if isinstance(i, Value) else i.dtype.itemsize * 8) == 64
    return floating(i + (0x4338000000000000 if double else 0x4B400000)) - (6755399441055744.0 if double else 12582912.0)


class Formula(_Intrinsic):
    """A formula as a kernel sees it (a Numba intrinsic) and as Python sees it (a function of NumPy values)."""

    def __init__(self, name, defn, trace=None):
        super().__init__(name, defn)
        self.trace = trace if trace is not None else defn

    def __call__(self, *arguments):
        """The formula of traced values, or of NumPy values in the type of the first."""
        if any(isinstance(a, Value) for a in arguments):
            return self.trace(*arguments)
        first = np.asarray(arguments[-1])
        with np.errstate(all="ignore"):
            return self.trace(*(np.asarray(a, first.dtype)[()] for a in arguments))

    def __repr__(self):
        return f"<formula {self._name}>"


def emit(trace, builder, arguments):
    """The LLVM value of a formula of LLVM values."""
    return trace(*(Value(builder, a) for a in arguments)).value


def formula(trace):
    """Make a formula of a branch-free function of one, two or three numbers (of one type: the first argument's)."""

    def typed(typing_context, *arguments):
        kind = types.unliteral(arguments[0])
        if kind not in (types.float32, types.float64, types.int64, types.uint8):
            kind = types.int64 if isinstance(kind, (types.Integer, types.Boolean)) else types.float64

        def codegen(context, builder, signature, values):
            return emit(trace, builder, values)

        return kind(*[kind] * len(arguments)), codegen

    arity = trace.__code__.co_argcount
    definition = {
        1: lambda typing_context, a: typed(typing_context, a),
        2: lambda typing_context, a, b: typed(typing_context, a, b),
        3: lambda typing_context, a, b, c: typed(typing_context, a, b, c),
    }[arity]
    functools.update_wrapper(definition, trace)
    del definition.__wrapped__  # Numba reads the signature: it must find the typing context first
    made = Formula(trace.__name__, definition, trace)
    del made.__wrapped__
    made._register()
    return made


def choice(name, traces):
    """A formula `name(code, x)` of a code known only at run time: a jump to the formula with that code.

    Args:
        traces: code -> trace of one value; the first is taken for unknown codes.
    """
    first = next(iter(traces))

    def trace(code, x):
        if isinstance(code, Value):
            return Value(x.builder, _switch(x.builder, code.value, x.value, traces))
        return traces.get(int(code), traces[first])(x)

    def definition(typing_context, code, x):
        def codegen(context, builder, signature, values):
            return _switch(builder, values[0], values[1], traces)

        kind = x if x in (types.float32, types.float64) else types.float64
        return kind(types.int64, kind), codegen

    made = Formula(name, definition, trace)
    del made.__wrapped__
    made._register()
    return made


def _switch(builder, code, x, traces):
    function = builder.function
    done = function.append_basic_block("done")
    cases = {key: function.append_basic_block(f"case{key}") for key in traces}
    jump = builder.switch(code, next(iter(cases.values())))
    ends = []
    for key, block in cases.items():
        jump.add_case(ir.Constant(code.type, key), block)
        builder.position_at_end(block)
        ends.append((emit(traces[key], builder, [x]), builder.block))
        builder.branch(done)
    builder.position_at_end(done)
    result = builder.phi(x.type)
    for value, block in ends:
        result.add_incoming(value, block)
    return result
