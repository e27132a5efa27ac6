"""Cases of the elementwise machine (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import Table, normal

SIZES = (1, 31, 33)


#: Instructions for the machine of elementwise.py: name -> number of operands; by where they can be tried.
UNARY = """negative absolute sign exp expm1 log log1p sqrt rsqrt square reciprocal tanh sigmoid erf floor ceil
    round relu softplus isnan isfinite logical_not""".split()

BINARY = """add subtract multiply divide power maximum minimum equal not_equal less less_equal greater greater_equal
    logical_and logical_or logical_xor floor_divide mod arctan2""".split()

RARE = "sin cos tan asin acos atan sinh cosh asinh acosh atanh log2 log10 erfinv erfc".split()

WHOLE_RARE = "bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd".split()
WHOLE = """negative absolute sign square floor ceil round relu logical_not add subtract multiply maximum minimum equal
    not_equal less less_equal greater greater_equal logical_and logical_or logical_xor""".split()

DTYPES = ("f4", "f8", "i8", "i4", "?", "u1", "u4", "i2", "u2", "i1", "u8")


def elementwise(maker):
    from nbkeras.kernels.elementwise import OPCODES
    from nbkeras.kernels.elementwise import RARE as RARE_NAMES

    assert set(RARE) <= RARE_NAMES and not RARE_NAMES & set(UNARY + BINARY), "operations listed under the wrong kernel"
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
                Table(rows),
                np.array([n]),
                np.array(program),
                np.zeros(1, real),
                1,
                len(program) // 5,
                n,
            ]

        return make

    for dtype in ("f4", "f8"):
        for n in SIZES:
            maker.add("elementwise", f"unary-{n}", dtype, one(UNARY, 1, n), 1)
            maker.add("elementwise_rare", f"unary-{n}", dtype, one(RARE, 1, n), 1)
            maker.add("elementwise_rare", f"binary-{n}", dtype, one(["nextafter"], 2, n), 1)
            maker.add("elementwise", f"binary-{n}", dtype, one(BINARY, 2, n), 1)
            maker.add("elementwise", f"ternary-{n}", dtype, one(["where"], 3, n), 1)
    for name in WHOLE:
        maker.add("elementwise", f"{name}-31", "i8", one([name], 1 if name in UNARY else 2, 31), 1)

    for name in WHOLE_RARE:
        maker.add("elementwise_rare", f"{name}-31", "i8", one([name], 2, 31), 1)

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
            load,
            0,
            0,
            0,
            0,
            load,
            1,
            1,
            0,
            0,
            add,
            2,
            0,
            1,
            0,
            load,
            3,
            2,
            0,
            0,
            multiply,
            4,
            2,
            3,
            0,
            load,
            5,
            3,
            0,
            0,
            add,
            6,
            4,
            5,
            0,
            OPCODES["constant"],
            7,
            1,
            0,
            0,
            multiply,
            8,
            6,
            7,
            0,
            OPCODES["store"],
            4,
            8,
            0,
            0,
        ]
        return [Table(rows), np.array([3, 5, 7]), np.array(program), np.array([9, 2], real), 3, len(program) // 5, 105]

    for dtype in ("f4", "f8", "i8"):
        maker.add("elementwise", "conversions", dtype, conversions, 1)
        maker.add("elementwise", "broadcast", dtype, broadcast, 1)
    maker.add("elementwise", "blocks", "f4", one(["add"], 2, 515), 2)


FAMILIES = [elementwise]
