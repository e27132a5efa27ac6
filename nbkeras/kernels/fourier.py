"""Discrete Fourier transforms of rows, a stage of Stockham's algorithm at a time."""

from nbkeras.kernels._jit import kernel


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

    s = stride, p = radix, m = length / p; q < s, k < m, r < p. A row has n = s length elements; cosines and sines are
    the n roots of one, those of w every s of them. Items: (row, k). The outputs are not the inputs.
    """
    zero = type(out_real[0])(0.0)
    m = length // radix
    n = length * stride
    for item in range(lo, hi):
        row = item // m
        k = item - row * m
        base = row * n
        for r in range(radix):
            target = base + stride * (radix * k + r)
            for q in range(stride):
                out_real[target + q] = zero
                out_imaginary[target + q] = zero
            for j in range(radix):
                place = k + m * j
                source = base + stride * place
                root = (place * r) % length * stride
                c = cosines[root]
                s = sines[root]
                for q in range(stride):
                    x = real[source + q]
                    y = imaginary[source + q]
                    out_real[target + q] += c * x - s * y
                    out_imaginary[target + q] += c * y + s * x
