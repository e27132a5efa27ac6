"""Square matrices by triangles: Cholesky's and Gauss's factors, and what is solved with them.

A matrix an item, row by row in memory; inner loops run along rows.
"""

from nbkeras.kernels._jit import kernel
from nbkeras.kernels.scalars import absolute, log, sqrt


@kernel
def cholesky(out: "T b*n*n", a: "T b*n*n", n: "i8", lo, hi):
    """out = L, lower triangular with L L' = (a + a')/2; NaN from the first pivot on that is not positive."""
    real = type(out[0])
    for item in range(lo, hi):
        base = item * n * n
        for i in range(n):
            row = base + i * n
            for j in range(i + 1):
                other = base + j * n
                total = (a[row + j] + a[other + i]) * real(0.5)
                for k in range(j):
                    total -= out[row + k] * out[other + k]
                if i == j:
                    out[row + j] = sqrt(total)
                else:
                    out[row + j] = total / out[other + j]
            for j in range(i + 1, n):
                out[row + j] = real(0.0)


@kernel
def triangular_solve(
    x: "T b*n*k",
    a: "T b*n*n",
    b: "T b*n*k",
    n: "i8",
    k: "i8",
    lower: "i8",
    transposed: "i8",
    unit: "i8",
    lo,
    hi,
):
    """op(a) x = b of one triangle of a, op(a) = a or a'; unit: its diagonal counts as 1."""
    step_row = 1 if transposed != 0 else n
    step_column = n if transposed != 0 else 1
    forward = (lower != 0) != (transposed != 0)
    for item in range(lo, hi):
        first = item * n * k
        base = item * n * n
        for i in range(n * k):
            x[first + i] = b[first + i]
        for step in range(n):
            i = step if forward else n - 1 - step
            target = first + i * k
            for other in range(step):
                j = other if forward else n - 1 - other
                factor = a[base + i * step_row + j * step_column]
                source = first + j * k
                for c in range(k):
                    x[target + c] -= factor * x[source + c]
            if unit == 0:
                pivot = a[base + i * n + i]
                for c in range(k):
                    x[target + c] /= pivot


@kernel
def lu(out: "T b*m*n", pivots: "i4 b*r", order: "i8 b*m", a: "T b*m*n", m: "i8", n: "i8", lo, hi):
    """out = L below the diagonal (ones on it) and U from it on, L U = a[order]; pivots[j]: the row that j was swapped
    with, r = min(m, n) of them. Rows are chosen by the largest number of a column.
    """
    steps = m if m < n else n
    for item in range(lo, hi):
        base = item * m * n
        for i in range(m * n):
            out[base + i] = a[base + i]
        for i in range(m):
            order[item * m + i] = i
        for j in range(steps):
            best = j
            size = absolute(out[base + j * n + j])
            for i in range(j + 1, m):
                other = absolute(out[base + i * n + j])
                if other > size:
                    size = other
                    best = i
            pivots[item * steps + j] = best
            if best != j:
                for c in range(n):
                    held = out[base + j * n + c]
                    out[base + j * n + c] = out[base + best * n + c]
                    out[base + best * n + c] = held
                place = order[item * m + j]
                order[item * m + j] = order[item * m + best]
                order[item * m + best] = place
            pivot = out[base + j * n + j]
            if pivot != 0:
                for i in range(j + 1, m):
                    row = base + i * n
                    factor = out[row + j] / pivot
                    out[row + j] = factor
                    for c in range(j + 1, n):
                        out[row + c] -= factor * out[base + j * n + c]


@kernel
def permute_rows(x: "T b*n*k", order: "i8 b*n", b: "T b*n*k", n: "i8", k: "i8", inverse: "i8", lo, hi):
    """x[i] = b[order[i]], or x[order[i]] = b[i].   x is not b."""
    for item in range(lo, hi):
        first = item * n * k
        for i in range(n):
            place = order[item * n + i]
            target = first + (place if inverse != 0 else i) * k
            source = first + (i if inverse != 0 else place) * k
            for c in range(k):
                x[target + c] = b[source + c]


@kernel
def determinant(value: "T b", sign: "T b", size: "T b", factors: "T b*n*n", pivots: "i4 b*n", n: "i8", lo, hi):
    """value = sign exp(size) = the determinant of a matrix with these factors (see `lu`)."""
    real = type(value[0])
    for item in range(lo, hi):
        base = item * n * n
        total = real(1.0)
        negative = False
        logarithm = real(0.0)
        zero = False
        for i in range(n):
            pivot = factors[base + i * n + i]
            total *= pivot
            logarithm += log(absolute(pivot))
            negative = negative != (pivot < 0)
            zero = zero or pivot == 0
            if pivots[item * n + i] != i:
                negative = not negative
                total = -total
        value[item] = total
        sign[item] = real(0.0) if zero else (real(-1.0) if negative else real(1.0))
        size[item] = logarithm
