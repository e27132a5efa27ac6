"""Matrix products: every orientation of the operands, batches, and the work that follows a product."""

from nbkeras.kernels._jit import kernel

#: Activations that the product itself applies; see scalars.ACTIVATIONS for the codes.
RELU = 1


def schedule(batch, m, n, k, **_):
    """(items, items a chunk) of a product: a function of its shape alone, so that threads cannot change the bits."""
    items = batch * m
    return items, items if m * n * k * batch < 800_000 else max(1, 400_000 // max(1, n * k))


@kernel(schedule=schedule)
def matmul(
    c: "T b*m*n",
    a: "T b*m*k",
    x: "T b*k*n",
    bias: "T n",
    gate: "T b*m*n",
    batch: "i8",
    m: "i8",
    n: "i8",
    k: "i8",
    a_step: "i8",
    x_step: "i8",
    transpose_a: "i8",
    transpose_x: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    accumulate: "i8",
    lo,
    hi,
):
    """c = activate(op(a) @ op(x) + bias) * slope(gate); simple stand-in: relu only."""
    for item in range(lo, hi):
        b = item // m
        i = item - b * m
        a_start = b * a_step + (i if transpose_a else i * k)
        a_stride = m if transpose_a else 1
        for j in range(n):
            x_start = b * x_step + (j * k if transpose_x else j)
            x_stride = 1 if transpose_x else n
            total = a[0] * 0
            total = 0 * total if k == 0 else a[a_start] * x[x_start]
            for p in range(1, k):
                total += a[a_start + p * a_stride] * x[x_start + p * x_stride]
            if has_bias:
                total += bias[j]
            if activation == RELU and total <= 0:
                total *= 0
            if gate_code == RELU and gate[item * n + j] <= 0:
                total *= 0
            if accumulate:
                total += c[item * n + j]
            c[item * n + j] = total
