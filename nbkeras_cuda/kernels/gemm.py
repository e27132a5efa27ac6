"""Matrix products: every orientation of the operands, batches, and the work that follows a product.

A block of threads makes a square tile of the result. It walks the inner dimension in steps of DEPTH: both operands'
panels go through shared memory, so that each number is read from global memory once a tile, and each thread keeps
PER x PER sums in registers, so that each number read from shared memory is used PER times.
"""

from numba import cuda

from nbkeras.kernels.scalars import activate, activation_slope
from nbkeras_cuda._jit import SIMULATED, T, kernel

#: Threads along each side of a tile, results of a thread along each side, steps of the inner dimension at once.
SIDE, PER, DEPTH = (2, 2, 3) if SIMULATED else (16, 4, 16)

TILE = SIDE * PER
THREADS = SIDE * SIDE
SUMS = PER * PER

#: Distance of a panel's rows in shared memory: one more than a tile, so that columns are in different banks.
PITCH = TILE + 1
PANEL = DEPTH * PITCH
CELLS = DEPTH * TILE


def schedule(batch: int, m: int, n: int, k: int, **_) -> tuple[int, int]:
    """(items, chunk): items are tiles of the results."""
    items = batch * -(-m // TILE) * -(-n // TILE)
    return items, items


@kernel(launch="block", threads=THREADS, schedule=schedule)
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
    """c = activate(op(a) @ op(x) + bias) * slope(gate), added to c if accumulate is set.

    Args:
        a_step, x_step: elements from one matrix of the batch to the next (0: one matrix for all).
        transpose_a, transpose_x: set where the operand is stored (k, m) or (n, k).
        activation, gate_code: as in scalars.ACTIVATIONS; the gate is not read where its code is 0.
    """
    left = cuda.shared.array(PANEL, T)
    right = cuda.shared.array(PANEL, T)
    sums = cuda.local.array(SUMS, T)
    rows = cuda.local.array(PER, T)
    columns = cuda.local.array(PER, T)
    results = cuda.local.array(SUMS, T)
    thread = cuda.threadIdx.x + 0
    thread_row = thread // SIDE
    thread_column = thread - thread_row * SIDE
    across = (n + TILE - 1) // TILE
    down = (m + TILE - 1) // TILE
    item = lo + cuda.blockIdx.x
    while item < hi:
        b = item // (across * down)
        tile = item - b * across * down
        top = tile // across * TILE
        start = tile % across * TILE
        for s in range(SUMS):
            sums[s] = T(0)
        depth = 0
        while depth < k:
            # Neighbouring threads read neighbouring elements, whichever way the operand is stored.
            cell = thread
            while cell < CELLS:
                if transpose_a != 0:
                    p = cell // TILE
                    i = cell - p * TILE
                    place = b * a_step + (depth + p) * m + top + i
                else:
                    i = cell // DEPTH
                    p = cell - i * DEPTH
                    place = b * a_step + (top + i) * k + depth + p
                value = T(0)
                if depth + p < k and top + i < m:
                    value = a[place]
                left[p * PITCH + i] = value
                if transpose_x != 0:
                    j = cell // DEPTH
                    p = cell - j * DEPTH
                    place = b * x_step + (start + j) * k + depth + p
                else:
                    p = cell // TILE
                    j = cell - p * TILE
                    place = b * x_step + (depth + p) * n + start + j
                value = T(0)
                if depth + p < k and start + j < n:
                    value = x[place]
                right[p * PITCH + j] = value
                cell += THREADS
            cuda.syncthreads()
            for p in range(DEPTH):
                for r in range(PER):
                    rows[r] = left[p * PITCH + thread_row + r * SIDE]
                    columns[r] = right[p * PITCH + thread_column + r * SIDE]
                for r in range(PER):
                    for s in range(PER):
                        sums[r * PER + s] += rows[r] * columns[s]
            cuda.syncthreads()
            depth += DEPTH
        # The loop below is not unrolled (the activations are too long), which needs memory; the sums stay in registers.
        for s in range(SUMS):
            results[s] = sums[s]
        for r in range(PER):
            for s in range(PER):
                i = top + thread_row + r * SIDE
                j = start + thread_column + s * SIDE
                if i < m and j < n:
                    place = (b * m + i) * n + j
                    value = results[r * PER + s]
                    if has_bias != 0:
                        value += bias[j]
                    if activation != 0:
                        value = activate(activation, value)
                    if gate_code != 0:
                        value *= activation_slope(gate_code, gate[place])
                    if accumulate != 0:
                        value += c[place]
                    c[place] = value
        item += cuda.gridDim.x
