"""The cases, by family (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import Table, normal

SIZES = (1, 31, 33)


def optimizer(maker):
    for dtype in ("f4", "f8"):
        for n in SIZES:
            for label, momentum, nesterov in (("plain", 0.0, 0), ("momentum", 0.9, 0), ("nesterov", 0.9, 1)):
                maker.add(
                    "sgd", f"{label}-{n}", dtype, lambda rng, real, n=n, momentum=momentum, nesterov=nesterov: [
                        normal(rng, n, real), normal(rng, n, real), normal(rng, n, real), np.array([0.01], real),
                        momentum, nesterov,
                    ], n,
                )  # fmt: skip
            for step in (0, 6):
                maker.add(
                    "adam", f"{n}-step{step}", dtype, lambda rng, real, n=n, step=step: [
                        normal(rng, n, real), normal(rng, n, real), normal(rng, n, real) ** 2, normal(rng, n, real),
                        np.array([0.001], real), np.array([step]), 0.9, 0.999, 1e-7,
                    ], n,
                )  # fmt: skip
            maker.add(
                "adam_amsgrad", f"{n}", dtype, lambda rng, real, n=n: [
                    normal(rng, n, real), normal(rng, n, real), normal(rng, n, real) ** 2, normal(rng, n, real) ** 2,
                    normal(rng, n, real), np.array([0.001], real), np.array([2]), 0.9, 0.999, 1e-7,
                ], n,
            )  # fmt: skip
            for momentum in (0.0, 0.5):
                for centered in (0, 1):
                    maker.add(
                        "rmsprop", f"{n}-{momentum}-{centered}", dtype,
                        lambda rng, real, n=n, momentum=momentum, centered=centered: [
                            normal(rng, n, real), 1 + normal(rng, n, real) ** 2, normal(rng, n, real, 0.1),
                            normal(rng, n, real), normal(rng, n, real), np.array([0.001], real), 0.9, momentum, 1e-7,
                            centered,
                        ], n,
                    )  # fmt: skip
            maker.add(
                "clip_values", f"{n}", dtype, lambda rng, real, n=n: [
                    np.where(np.arange(n) == 7, np.nan, normal(rng, n, real)).astype(real), 0.5], n,
            )  # fmt: skip
            maker.add("average", f"{n}", dtype, lambda rng, real, n=n: [normal(rng, n, real), normal(rng, n, real), 0.99], n)
            for step in (0, 1):
                maker.add(
                    "average_from_first", f"{n}-step{step}", dtype, lambda rng, real, n=n, step=step: [
                        normal(rng, n, real), normal(rng, n, real), np.array([step]), 0.99], n,
                )  # fmt: skip
        offsets = np.array([0, 1, 1, 20, 33])
        for limit in (0.5, 100.0):
            maker.add(
                "clip_segments", f"{limit}", dtype, lambda rng, real, limit=limit: [
                    normal(rng, 33, real), np.array([0.4, 0.0, 3.0, np.nan], real), offsets.copy(), limit], 4,
            )  # fmt: skip
            maker.add(
                "clip_global", f"{limit}", dtype, lambda rng, real, limit=limit: [
                    normal(rng, 33, real), np.array([0.4, 0.0, 3.0], real), 3, limit], 33,
            )  # fmt: skip
        maker.add("segment_norms", "4", dtype, lambda rng, real: [np.zeros(4, real), normal(rng, 33, real), offsets.copy()], 4)
        maker.add(
            "decay_segments", "4", dtype, lambda rng, real: [
                normal(rng, 33, real), np.array([0.1], real), 0.02, offsets.copy(), np.array([1, 1, 0, 1])], 4,
        )  # fmt: skip
    maker.add("increment", "2", "i8", lambda rng, real: [np.array([5]), 2], 1)


def move(maker):
    for dtype in ("u1", "i4", "i8"):

        def numbers(rng, shape, real):
            return rng.integers(0, 100, shape).astype(real)

        maker.add(
            "strided_copy", "transpose", dtype, lambda rng, real: [
                np.zeros((31, 3), real), numbers(rng, (3, 31), real), np.array([31, 3, 3, 1, 1, 31]), 2, 0, 0], 31,
        )  # fmt: skip
        maker.add(
            "strided_copy", "flip", dtype, lambda rng, real: [
                np.zeros(33, real), numbers(rng, 33, real), np.array([33, 1, -1]), 1, 0, 32], 1,
        )  # fmt: skip
        maker.add(
            "strided_copy", "slice", dtype, lambda rng, real: [
                np.zeros((2, 3, 5), real), numbers(rng, (4, 7, 9), real),
                np.array([2, 3, 4, 15, 5, 1, 126, 9, 2]), 3, 1, 10], 6,
        )  # fmt: skip
        for outer, count, size, inner in ((1, 5, 3, 1), (2, 3, 7, 33), (1, 1, 1, 1)):
            maker.add(
                "gather", f"{outer}-{count}-{size}-{inner}", dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    np.zeros((o, k, i), real), numbers(rng, (o, m, i), real), rng.integers(-2 * m, 2 * m, k), o, k, m, i],
                outer * count,
            )  # fmt: skip
    for dtype in ("f4", "f8", "i8"):
        maker.add("fill", "33", dtype, lambda rng, real: [np.zeros(33, real), 3], 33)
        for outer, count, size, inner in ((1, 33, 3, 1), (2, 9, 7, 5), (1, 1, 1, 1), (1, 4, 0, 3)):
            maker.add(
                "scatter_add", f"{outer}-{count}-{size}-{inner}", dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    normal(rng, (o, m, i), real, 9), rng.integers(-m, m + 1, k), normal(rng, (o, k, i), real, 9),
                    o, k, m, i],
            )  # fmt: skip


def reduce(maker):
    shapes = ((1, 1, 1, 1), (3, 33, 33, 1), (2, 31, 8, 1), (1, 7, 7, 5), (2, 9, 4, 33), (31, 2, 2, 1))
    for dtype in ("f4", "f8", "i8"):
        for op in range(4):
            for outer, mid, block, inner in shapes:
                maker.add(
                    "reduce", f"op{op}-{outer}-{mid}-{block}-{inner}", dtype,
                    lambda rng, real, o=outer, m=mid, b=block, i=inner, op=op: [
                        np.zeros((o, -(-m // b), i), real), normal(rng, (o, m, i), real, 1 if real != np.int64 else 5),
                        o, m, b, i, op],
                )  # fmt: skip
        for op in range(2):
            for outer, mid, _, inner in shapes:
                maker.add(
                    "arg_reduce", f"op{op}-{outer}-{mid}-{inner}", dtype,
                    lambda rng, real, o=outer, m=mid, i=inner, op=op: [
                        np.zeros((o, i), np.int64), rng.integers(0, 9, (o, m, i)).astype(real), o, m, i, op],
                    outer * inner,
                )  # fmt: skip
    for dtype in ("f4", "f8"):
        for op in range(2):

            def with_nan(rng, real, op=op):
                x = normal(rng, (3, 31), real)
                x[1, [5, 9]] = np.nan
                return [np.zeros(3, np.int64), x, 3, 31, 1, op]

            maker.add("arg_reduce", f"nan-op{op}", dtype, with_nan, 3)
        for op in (1, 2):

            def reduced(rng, real, op=op):
                x = normal(rng, (3, 31), real)
                x[1, 9] = np.nan
                x[2, 3] = np.inf
                return [np.zeros(3, real), x, 3, 31, 31, 1, op]

            maker.add("reduce", f"nan-op{op}", dtype, reduced)


def softmax(maker):
    for dtype in ("f4", "f8"):
        for n, c in ((1, 1), (3, 10), (2, 33), (5, 2)):
            for log in (0, 1):
                maker.add(
                    "softmax", f"{n}-{c}-log{log}", dtype, lambda rng, real, n=n, c=c, log=log: [
                        np.zeros((n, c), real), normal(rng, (n, c), real, 10), n, c, log], n,
                )  # fmt: skip


def gemm(maker):
    def product(b, m, n, k, shared=False, ta=0, tx=0, bias=0, activation=0, gate=0, accumulate=0):
        def make(rng, real):
            return [
                normal(rng, (b, m, n), real), normal(rng, (b, k, m) if ta else (b, m, k), real),
                normal(rng, (1 if shared else b, n, k) if tx else (1 if shared else b, k, n), real),
                normal(rng, n, real), normal(rng, (b, m, n), real), b, m, n, k, m * k, 0 if shared else k * n,
                ta, tx, bias, activation, gate, accumulate,
            ]  # fmt: skip

        return make

    for dtype in ("f4", "f8"):
        for shape in ((1, 1, 1, 1), (1, 3, 31, 7), (2, 5, 9, 4), (1, 33, 2, 1)):
            for ta in (0, 1):
                for tx in (0, 1):
                    label = "x".join(map(str, shape)) + f"-{ta}{tx}"
                    maker.add("matmul", label, dtype, product(*shape, ta=ta, tx=tx))
        maker.add("matmul", "shared", dtype, product(3, 5, 4, 3, shared=True))
        for code in (1, 2, 3):
            maker.add("matmul", f"bias-activation{code}", dtype, product(1, 5, 7, 3, bias=1, activation=code))
            maker.add("matmul", f"gate{code}", dtype, product(1, 5, 7, 3, gate=code))
        maker.add("matmul", "accumulate", dtype, product(1, 5, 7, 3, accumulate=1))


def random(maker):
    state = np.array([0x1234567890ABCDE, 77])
    for n in (1, 31, 33, 130):
        for dtype in ("f4", "f8"):
            maker.add("random_uniform", f"{n}", dtype, lambda rng, real, n=n: [np.zeros(n, real), state.copy(), -1.0, 2.0], n)
            for truncated in (0, 1):
                maker.add(
                    "random_normal", f"{n}-truncated{truncated}", dtype, lambda rng, real, n=n, truncated=truncated: [
                        np.zeros(n, real), state.copy(), 0.5, 2.0, truncated], n,
                )  # fmt: skip
            for rate in (0.0, 0.3, 1.0):
                maker.add(
                    "random_bernoulli", f"{n}-{rate}", dtype, lambda rng, real, n=n, rate=rate: [
                        np.zeros(n, real), state.copy(), rate, 2.5], n,
                )  # fmt: skip
                maker.add(
                    "dropout", f"{n}-{rate}", dtype, lambda rng, real, n=n, rate=rate: [
                        np.zeros(n, real), normal(rng, n, real), state.copy(), rate], n,
                )  # fmt: skip
        maker.add("random_integers", f"{n}", "i8", lambda rng, real, n=n: [np.zeros(n, real), state.copy(), -3, 1 << 40], n)
        maker.add("random_permutation", f"{n}", "i8", lambda rng, real, n=n: [np.zeros(n, real), state.copy(), n], 1)


def order(maker):
    for dtype in ("f4", "f8", "i8"):
        for outer, mid, inner in ((1, 1, 1), (2, 31, 1), (3, 5, 7)):
            for op in range(4):
                maker.add(
                    "cumulative", f"op{op}-{outer}-{mid}-{inner}", dtype, lambda rng, real, o=outer, m=mid, i=inner, op=op: [
                        np.zeros((o, m, i), real), rng.integers(-3, 4, (o, m, i)).astype(real), o, m, i, op, op % 2],
                    outer * inner,
                )  # fmt: skip
        for descending in (0, 1):
            for outer, mid in ((1, 1), (3, 31)):

                def rows(rng, real, o=outer, m=mid, descending=descending):
                    x = rng.integers(0, 9, (o, m)).astype(real)
                    if real != np.int64:
                        x[0, ::5] = np.nan
                    return [np.zeros((o, m), real), np.zeros((o, m), np.int64), x, o, m, descending]

                maker.add("sort", f"{outer}-{mid}-descending{descending}", dtype, rows, outer)


def loss(maker):
    for dtype in ("f4", "f8"):
        for n, c in ((1, 1), (3, 10), (5, 2), (2, 33)):
            for epsilon in (0.0, 1e-7, 0.2):

                def targets(rng, n, c):
                    t = rng.integers(0, c, n)
                    if n > 2:
                        t[1] = c
                    return t

                def probabilities(rng, shape, real):
                    p = rng.random(shape) + 0.01
                    return (p / p.sum(-1, keepdims=True)).astype(real)

                label = f"{n}-{c}-{epsilon}"
                shape = (n, c)
                maker.add(
                    "softmax_crossentropy", label, dtype, lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(n, real), np.zeros(s, real), normal(rng, s, real, 3), targets(rng, n, c), c, e], n,
                )  # fmt: skip
                maker.add(
                    "softmax_crossentropy_gradient", label, dtype, lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(s, real), probabilities(rng, s, real), targets(rng, n, c), normal(rng, n, real), c, e], n,
                )  # fmt: skip
                maker.add(
                    "dense_softmax_crossentropy", label, dtype, lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(n, real), np.zeros(s, real), normal(rng, s, real, 3), probabilities(rng, s, real), c, e], n,
                )  # fmt: skip
                maker.add(
                    "dense_softmax_crossentropy_gradient", label, dtype, lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(s, real), probabilities(rng, s, real), probabilities(rng, s, real),
                        normal(rng, n, real), c, e], n,
                )  # fmt: skip


def in_place(maker):
    """Kernels that may write where they read."""

    def make(before, after):
        def arguments(rng, real):
            both = np.abs(normal(rng, (3, 31), real, 0.03))
            return [*before(rng, real), both, both, *after(rng, real)]

        return arguments

    for dtype in ("f4", "f8"):
        for log in (0, 1):
            maker.add("softmax", f"in-place-log{log}", dtype, make(lambda rng, real: [], lambda rng, real, log=log: [3, 31, log]), 3)
        for e in (0.0, 1e-2):
            loss = lambda rng, real: [np.zeros(3, real)]  # noqa: E731
            label = f"in-place-{e}"
            maker.add(
                "softmax_crossentropy", label, dtype,
                make(loss, lambda rng, real, e=e: [rng.integers(0, 31, 3), 31, e]), 3,
            )  # fmt: skip
            maker.add(
                "dense_softmax_crossentropy", label, dtype,
                make(loss, lambda rng, real, e=e: [normal(rng, (3, 31), real), 31, e]), 3,
            )  # fmt: skip
            maker.add(
                "softmax_crossentropy_gradient", label, dtype,
                make(lambda rng, real: [], lambda rng, real, e=e: [rng.integers(0, 31, 3), normal(rng, 3, real), 31, e]), 3,
            )  # fmt: skip
            maker.add(
                "dense_softmax_crossentropy_gradient", label, dtype,
                make(
                    lambda rng, real: [],
                    lambda rng, real, e=e: [normal(rng, (3, 31), real), normal(rng, 3, real), 31, e],
                ), 3,
            )  # fmt: skip
        maker.add("cumulative", "in-place", dtype, make(lambda rng, real: [], lambda rng, real: [3, 31, 1, 0, 0]), 3)


#: Instructions for the machine of elementwise.py: name -> number of operands; by where they can be tried.
UNARY = """negative absolute sign exp expm1 log log1p sqrt rsqrt square reciprocal sin cos tanh sigmoid erf floor ceil
    round relu softplus isnan isfinite logical_not""".split()
BINARY = """add subtract multiply divide power maximum minimum equal not_equal less less_equal greater greater_equal
    logical_and logical_or logical_xor floor_divide mod arctan2""".split()
RARE = "tan asin acos atan sinh cosh asinh acosh atanh log2 log10 erfinv".split()
WHOLE = """negative absolute sign square floor ceil round relu logical_not add subtract multiply maximum minimum equal
    not_equal less less_equal greater greater_equal logical_and logical_or logical_xor""".split()
DTYPES = ("f4", "f8", "i8", "i4", "?", "u1", "u4", "i2", "u2", "i1", "u8")


def elementwise(maker):
    from nbkeras.kernels.elementwise import OPCODES

    specials = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, np.inf, -np.inf, np.nan]

    def one(names, arity, n):
        """Each operation in turn, each stored to an output of its own."""

        def make(rng, real):
            rows, program = [], []
            for operand in range(arity):
                values = normal(rng, n, real, 3)
                if real != np.int64 and n > 20:
                    values[:10] = np.roll(specials, 3 * operand)
                rows.append((values, DTYPES.index(np.dtype(real).str[1:]), 0, 1))
                program += [OPCODES["load"], operand, operand, 0, 0]
            for name in names:
                program += [OPCODES[name], 3, 0, 1, 2]
                program += [OPCODES["store"], len(rows), 3, 0, 0]
                rows.append((np.zeros(n, real), rows[0][1], 0, 1))
            return [
                Table(rows), np.array([n]), np.array(program), np.zeros(1, real), 1, len(program) // 5, n,
            ]  # fmt: skip

        return make

    for dtype in ("f4", "f8"):
        for n in SIZES:
            maker.add("elementwise", f"unary-{n}", dtype, one(UNARY, 1, n), 1)
            maker.add("elementwise_rare", f"unary-{n}", dtype, one(RARE, 1, n), 1)
            maker.add("elementwise", f"binary-{n}", dtype, one(BINARY, 2, n), 1)
            maker.add("elementwise", f"ternary-{n}", dtype, one(["where"], 3, n), 1)
    for name in WHOLE:
        maker.add("elementwise", f"{name}-31", "i8", one([name], 1 if name in UNARY else 2, 31), 1)

    def conversions(rng, real):
        """Numbers of every dtype in, numbers of every dtype out."""
        rows, program = [], []
        for code, dtype in enumerate(DTYPES):
            rows.append((rng.integers(0, 2 if dtype == "?" else 100, 31).astype(dtype), code, 0, 1))
            rows.append((np.zeros(31, real), DTYPES.index(np.dtype(real).str[1:]), 0, 1))
            program += [OPCODES["load"], 0, 2 * code, 0, 0, OPCODES["store"], 2 * code + 1, 0, 0, 0]
        values = rng.integers(-300, 300, 31).astype(real)
        if real != np.int64:
            values[:8] = [np.nan, np.inf, -np.inf, 1e30, -1e30, 0.5, -1.5, 3e9]
        rows.append((values, DTYPES.index(np.dtype(real).str[1:]), 0, 1))
        program += [OPCODES["load"], 1, len(rows) - 1, 0, 0]
        for code, dtype in enumerate(DTYPES):
            program += [OPCODES["store"], len(rows), 1, 0, 0]
            rows.append((np.zeros(31, dtype), code, 0, 1))
        return [Table(rows), np.array([31]), np.array(program), np.zeros(1, real), 1, len(program) // 5, 31]

    def broadcast(rng, real):
        """(3, 5, 7) of a bias, a flipped row, a transposed array, a number and a constant."""
        code = DTYPES.index(np.dtype(real).str[1:])
        rows = [
            (normal(rng, 7, real, 9), code, 2, 0, 0, 1),
            (normal(rng, (5, 1), real, 9), code, 2, 0, 1, 0),
            (normal(rng, (7, 5, 3), real, 9), code, 2, 1, 3, 15),
            (normal(rng, 1, real, 9), code, 1, 0, 0, 0),
            (np.zeros((3, 5, 7), real), code, 0, 35, 7, 1),
        ]
        load, add, multiply = OPCODES["load"], OPCODES["add"], OPCODES["multiply"]
        program = [
            load, 0, 0, 0, 0,  load, 1, 1, 0, 0,  add, 2, 0, 1, 0,  load, 3, 2, 0, 0,  multiply, 4, 2, 3, 0,
            load, 5, 3, 0, 0,  add, 6, 4, 5, 0,  OPCODES["constant"], 7, 1, 0, 0,  multiply, 8, 6, 7, 0,
            OPCODES["store"], 4, 8, 0, 0,
        ]  # fmt: skip
        return [Table(rows), np.array([3, 5, 7]), np.array(program), np.array([9, 2], real), 3, len(program) // 5, 105]

    for dtype in ("f4", "f8", "i8"):
        maker.add("elementwise", "conversions", dtype, conversions, 1)
        maker.add("elementwise", "broadcast", dtype, broadcast, 1)
    maker.add("elementwise", "blocks", "f4", one(["add"], 2, 515), 2)


FAMILIES = [optimizer, move, reduce, softmax, gemm, random, order, loss, in_place, elementwise]
