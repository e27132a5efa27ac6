"""Multiply-adds that never leave the registers: the rate that no other kernel can pass (`nbkeras bench`)."""

from numba import cuda

from nbkeras_cuda._jit import kernel


def schedule(n: int, **_) -> tuple[int, int]:
    """(items, items): an element each."""
    return n, n


@kernel(schedule=schedule)
def peak(y: "T n", factor: "T", addend: "T", steps: "i8", n: "i8", lo, hi):
    """`steps` times y = y * factor + addend.   Items: elements."""
    i = lo + cuda.grid(1)
    while i < hi:
        value = y[i]
        step = 0
        while step < steps:
            value = value * factor + addend
            step += 1
        y[i] = value
        i += cuda.gridsize(1)
