"""Matrices by orthogonal factors: QR, eigenvalues and singular values (see the CPU's file). A thread a matrix."""

from numba import cuda

from nbkeras.kernels.scalars import absolute, sqrt
from nbkeras_cuda._jit import T, device, kernel

#: Passes over all pairs of columns after which Jacobi's methods stop at the latest; they need 5 to 10.
SWEEPS = 40


@device
def reflect(x, corner, pitch, columns, v, first, step, rows, tau):
    """x -= tau v v' x: x has rows of `pitch` elements from `corner` on; v, in steps, has a 1 where `first` is.

    `while`, because NVVM 12.9 to 13.5 compiles the last loop wrongly when it is over a `range`: it multiplies `total`
    by v again and again. The tests that run the compiled code found it.
    """
    k = 0
    while k < columns:
        total = x[corner + k]
        i = 1
        while i < rows:
            total += v[first + i * step] * x[corner + i * pitch + k]
            i += 1
        total *= tau
        x[corner + k] -= total
        i = 1
        while i < rows:
            x[corner + i * pitch + k] -= total * v[first + i * step]
            i += 1
        k += 1


@kernel
def qr(q: "T b*m*c", r: "T b*c*n", work: "T b*(m+1)*n", a: "T b*m*n", m: "i8", n: "i8", c: "i8", lo, hi):
    """q r = a: q has c orthonormal columns, r is upper triangular, with the signs that LAPACK gives.

    work: Householder's vectors under the diagonal, their factors in the last row.
    """
    steps = m if m < n else n
    item = lo + cuda.grid(1)
    while item < hi:
        w = item * (m + 1) * n
        taus = w + m * n
        for i in range(m * n):
            work[w + i] = a[item * m * n + i]
        for j in range(steps):
            alpha = work[w + j * n + j]
            below = T(0.0)
            for i in range(j + 1, m):
                below += work[w + i * n + j] * work[w + i * n + j]
            tau = T(0.0)
            if below > 0:
                length = sqrt(alpha * alpha + below)
                beta = -length if alpha >= 0 else length
                tau = (beta - alpha) / beta
                for i in range(j + 1, m):
                    work[w + i * n + j] /= alpha - beta
                work[w + j * n + j] = beta
                reflect(work, w + j * n + j + 1, n, n - j - 1, work, w + j * n + j, n, m - j, tau)
            work[taus + j] = tau
        for i in range(c):
            for k in range(n):
                r[(item * c + i) * n + k] = work[w + i * n + k] if i <= k else T(0.0)
        first = item * m * c
        for i in range(m):
            for k in range(c):
                q[first + i * c + k] = T(1.0) if i == k else T(0.0)
        for step in range(steps):
            j = steps - 1 - step
            reflect(q, first + j * c, c, c, work, w + j * n + j, n, m - j, work[taus + j])
        item += cuda.gridsize(1)


@device
def rotation(theta, one):
    """(cosine, sine) of the rotation whose tangent is the smaller root of t**2 + 2 theta t = 1."""
    t = one / (absolute(theta) + sqrt(theta * theta + one))
    t = -t if theta < 0 else t
    cosine = one / sqrt(t * t + one)
    return cosine, t * cosine


@kernel
def eigh(values: "T b*n", vectors: "T b*n*n", work: "T b*n*n", a: "T b*n*n", n: "i8", lo, hi):
    """(a + a')/2 vectors = vectors diag(values), values ascending.   Source: Jacobi, 1846, in cyclic order."""
    item = lo + cuda.grid(1)
    while item < hi:
        base = item * n * n
        for i in range(n):
            for j in range(n):
                work[base + i * n + j] = (a[base + i * n + j] + a[base + j * n + i]) * T(0.5)
                vectors[base + i * n + j] = T(1.0) if i == j else T(0.0)
        turned = True
        sweep = 0
        while turned and sweep < SWEEPS:
            turned = False
            sweep += 1
            for p in range(n - 1):
                for q in range(p + 1, n):
                    x = work[base + p * n + p]
                    y = work[base + q * n + q]
                    z = work[base + p * n + q]
                    size = absolute(z)
                    # Too small to change either of the two: then it is dropped.
                    if absolute(x) + size != absolute(x) or absolute(y) + size != absolute(y):
                        turned = True
                        c, s = rotation((y - x) / (z + z), T(1.0))
                        for k in range(n):
                            left = work[base + k * n + p]
                            right = work[base + k * n + q]
                            work[base + k * n + p] = c * left - s * right
                            work[base + k * n + q] = s * left + c * right
                        for k in range(n):
                            left = work[base + p * n + k]
                            right = work[base + q * n + k]
                            work[base + p * n + k] = c * left - s * right
                            work[base + q * n + k] = s * left + c * right
                        for k in range(n):
                            left = vectors[base + k * n + p]
                            right = vectors[base + k * n + q]
                            vectors[base + k * n + p] = c * left - s * right
                            vectors[base + k * n + q] = s * left + c * right
                    work[base + p * n + q] = T(0.0)
                    work[base + q * n + p] = T(0.0)
        for i in range(n):
            values[item * n + i] = work[base + i * n + i]
        for i in range(n - 1):
            best = i
            for j in range(i + 1, n):
                if values[item * n + j] < values[item * n + best]:
                    best = j
            if best != i:
                held = values[item * n + i]
                values[item * n + i] = values[item * n + best]
                values[item * n + best] = held
                for k in range(n):
                    held = vectors[base + k * n + i]
                    vectors[base + k * n + i] = vectors[base + k * n + best]
                    vectors[base + k * n + best] = held
        item += cuda.gridsize(1)


@kernel
def svd(u: "T b*m*n", s: "T b*n", v: "T b*n*n", a: "T b*m*n", m: "i8", n: "i8", lo, hi):
    """a = u diag(s) v', m >= n: columns of u and v orthonormal, s descending.   Source: Hestenes, 1958 (one-sided).

    Columns of u that belong to singular values of 0 are completed by Gram and Schmidt.
    """
    one = T(1.0)
    unit = one
    while one + unit * T(0.5) != one:
        unit *= T(0.5)
    item = lo + cuda.grid(1)
    while item < hi:
        left = item * m * n
        right = item * n * n
        for i in range(m * n):
            u[left + i] = a[left + i]
        for i in range(n):
            for j in range(n):
                v[right + i * n + j] = one if i == j else T(0.0)
        turned = True
        sweep = 0
        while turned and sweep < SWEEPS:
            turned = False
            sweep += 1
            for p in range(n - 1):
                for q in range(p + 1, n):
                    x = T(0.0)
                    y = T(0.0)
                    z = T(0.0)
                    for k in range(m):
                        first = u[left + k * n + p]
                        second = u[left + k * n + q]
                        x += first * first
                        y += second * second
                        z += first * second
                    if absolute(z) > unit * sqrt(x) * sqrt(y):
                        turned = True
                        cosine, sine = rotation((y - x) / (z + z), one)
                        for k in range(m):
                            first = u[left + k * n + p]
                            second = u[left + k * n + q]
                            u[left + k * n + p] = cosine * first - sine * second
                            u[left + k * n + q] = sine * first + cosine * second
                        for k in range(n):
                            first = v[right + k * n + p]
                            second = v[right + k * n + q]
                            v[right + k * n + p] = cosine * first - sine * second
                            v[right + k * n + q] = sine * first + cosine * second
        for j in range(n):
            total = T(0.0)
            for k in range(m):
                total += u[left + k * n + j] * u[left + k * n + j]
            s[item * n + j] = sqrt(total)
        for i in range(n):
            best = i
            for j in range(i + 1, n):
                if s[item * n + j] > s[item * n + best]:
                    best = j
            if best != i:
                held = s[item * n + i]
                s[item * n + i] = s[item * n + best]
                s[item * n + best] = held
                for k in range(m):
                    held = u[left + k * n + i]
                    u[left + k * n + i] = u[left + k * n + best]
                    u[left + k * n + best] = held
                for k in range(n):
                    held = v[right + k * n + i]
                    v[right + k * n + i] = v[right + k * n + best]
                    v[right + k * n + best] = held
        least = s[item * n] * unit * T(m) * T(0.5)
        axis = 0
        for j in range(n):
            if s[item * n + j] > least:
                for k in range(m):
                    u[left + k * n + j] /= s[item * n + j]
            else:
                # The first unit vectors that the columns before leave something of: twice, against rounding.
                length = T(0.0)
                while length < T(0.01) and axis < m:
                    for k in range(m):
                        u[left + k * n + j] = one if k == axis else T(0.0)
                    axis += 1
                    for _ in range(2):
                        for i in range(j):
                            total = T(0.0)
                            for k in range(m):
                                total += u[left + k * n + i] * u[left + k * n + j]
                            for k in range(m):
                                u[left + k * n + j] -= total * u[left + k * n + i]
                    length = T(0.0)
                    for k in range(m):
                        length += u[left + k * n + j] * u[left + k * n + j]
                for k in range(m):
                    u[left + k * n + j] /= sqrt(length)
        item += cuda.gridsize(1)
