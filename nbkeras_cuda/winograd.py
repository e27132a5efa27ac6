"""The maps of Winograd's convolutions as matrices; see `nbkeras/kernels/winograd.py`."""

import numpy as np

from nbkeras_cuda._jit import T, device

#: Outputs of a tile along an axis, what it reads there, and columns of a packed panel of filters.
TILE, SPAN, PANEL = 4, 6, 32

_A, _B = 0.75, 1.5
_POINTS = np.array([0, _A, -_A, _B, -_B])


def _inputs():
    """Row i: the coefficients of the product of (x - p) over all points but the i-th; the last of all."""
    rows = [np.poly(np.delete(_POINTS, i))[::-1] for i in range(SPAN - 1)]
    return np.array([*(np.append(row, 0) for row in rows), np.poly(_POINTS)[::-1]], np.float32)


#: Inputs to positions; powers of the points, the last the one at infinity of 4 outputs.
INPUTS = _inputs()
POWERS = np.array([_POINTS**i for i in range(TILE)], np.float32)


@device
def input_factor(position, r):
    """What input r counts at a position."""
    return INPUTS[position, r]


@device
def output_factor(position, r, outputs):
    """What a position counts in output r."""
    if position == SPAN - 1:
        return T(1) if r == outputs - 1 else T(0)
    return T(POWERS[r, position])


@device
def filter_factor(position, r, taps, one):
    """What tap r counts at a position: powers of the point over the product of its distances from the others.

    `one` is 1, of the type that it is wanted in.
    """
    if position == SPAN - 1:
        return one if r == taps - 1 else one - one
    scale = one * T(64) / T(81)
    if position == 1 or position == 2:
        scale = one * T(-128) / T(243)
    elif position > 2:
        scale = one * T(32) / T(243)
    return scale * T(POWERS[r, position])
