"""Discrete Fourier transforms of rows, a stage of Stockham's algorithm at a time."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel


@kernel
def fourier_stage(
    out_real: "T b*n",
    out_imaginary: "T b*n",
    real: "T b*n",
    imaginary: "T b*n",
    cosines: "T n",
    sines: "T n",
    length: "i8",
    radix: "i8",
    stride: "i8",
    lo,
    hi,
):
    """out[q + s(p k + r)] = sum over j of w**((k + m j) r) x[q + s(k + m j)], w = exp(i 2 pi / length).

    s = stride, p = radix, m = length / p; q < s, k < m, r < p. Items: (row, k), a thread each.
    """
    m = length // radix
    n = length * stride
    item = lo + cuda.grid(1)
    while item < hi:
        row = item // m
        k = item - row * m
        base = row * n
        for r in range(radix):
            target = base + stride * (radix * k + r)
            for q in range(stride):
                total = T(0.0)
                other = T(0.0)
                for j in range(radix):
                    place = k + m * j
                    source = base + stride * place + q
                    root = (place * r) % length * stride
                    x = real[source]
                    y = imaginary[source]
                    total += cosines[root] * x - sines[root] * y
                    other += cosines[root] * y + sines[root] * x
                out_real[target + q] = total
                out_imaginary[target + q] = other
        item += cuda.gridsize(1)
