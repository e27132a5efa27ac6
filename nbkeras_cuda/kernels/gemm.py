"""Matrix products: every orientation of the operands, batches, and the work that follows a product.

A block of threads makes a square tile of the result. It walks the inner dimension in steps: both operands' panels go
through shared memory, so that each number is read from global memory once a tile, and each thread keeps a square of
sums in registers, so that each number read from shared memory is used several times. While a panel is multiplied, the
next one is on its way to registers.

There are two sizes of tiles: large ones, of which each number is used most, where the result has enough of them to
keep a GPU busy; else small ones.
"""

from numba import cuda

from nbkeras_cuda._jit import SIMULATED, T, device, kernel
from nbkeras_cuda.epilogue import finished

#: Threads along each side of a tile.
SIDE = 2 if SIMULATED else 16
THREADS = SIDE * SIDE

#: Results of a thread along each side and steps of the inner dimension at once, of large tiles and of small ones.
LARGE, LARGE_DEPTH = (2, 2) if SIMULATED else (8, 8)
SMALL, SMALL_DEPTH = (1, 2) if SIMULATED else (2, 32)
LARGE_TILE, SMALL_TILE = LARGE * SIDE, SMALL * SIDE
LARGE_SUMS, SMALL_SUMS = LARGE * LARGE, SMALL * SMALL

#: Large tiles that keep a GPU busy: half as many as an H200 has multiprocessors.
ENOUGH = 4 if SIMULATED else 64

#: Distance of a panel's rows in shared memory: so many more than a tile that a warp's stores go to different banks.
LARGE_PITCH = LARGE_TILE + 32 // LARGE_DEPTH
SMALL_PITCH = SMALL_TILE + 32 // SMALL_DEPTH
PANEL = max(LARGE_DEPTH * LARGE_PITCH, SMALL_DEPTH * SMALL_PITCH)

#: Elements of a panel that each thread brings.
LARGE_BROUGHT, SMALL_BROUGHT = LARGE_DEPTH * LARGE_TILE // THREADS, SMALL_DEPTH * SMALL_TILE // THREADS
BROUGHT = max(LARGE_BROUGHT, SMALL_BROUGHT)


def _has_large_tiles(batch, m, n):
    tiles = batch * ((m + LARGE_TILE - 1) // LARGE_TILE) * ((n + LARGE_TILE - 1) // LARGE_TILE)
    return tiles >= ENOUGH and 2 * min(m, n) >= LARGE_TILE


_has_large_tiles_device = device(_has_large_tiles)


def schedule(batch: int, m: int, n: int, k: int, **_) -> tuple[int, int]:
    """(items, chunk): items are tiles of the results."""
    tile = LARGE_TILE if _has_large_tiles(batch, m, n) else SMALL_TILE
    items = batch * -(-m // tile) * -(-n // tile)
    return items, items


@device
def layout(turned, rows, columns, depth_step, tile):
    """(line, depth, line_step, depth_step, line_stride, depth_stride) of what a thread fetches of a panel.

    Neighbouring threads read neighbouring elements, whichever way the operand lies: along the inner dimension (rows of
    `columns`), or, turned, along the tile (rows of `rows`).
    """
    thread = cuda.threadIdx.x + 0
    line = thread // depth_step
    depth = thread - line * depth_step
    line_step, next_depth, line_stride, depth_stride = THREADS // depth_step, 0, columns, 1
    if turned != 0:
        depth = thread // tile
        line = thread - depth * tile
        line_step, next_depth, line_stride, depth_stride = 0, THREADS // tile, 1, rows
    return line, depth, line_step, next_depth, line_stride, depth_stride


@device
def fetch(held, x, base, line, depth, steps, lines, depths, count, zero):
    """held = a thread's elements of a panel whose first line and depth are given; 0 beyond the operand's edges."""
    for c in range(count):
        i = line + c * steps[2]
        p = depth + c * steps[3]
        held[c] = zero
        if i < lines and p < depths:
            held[c] = x[base + i * steps[4] + p * steps[5]]


@device
def tile_product(
    sums, rows, columns, left, right, held_a, held_x, a, x, a_base, x_base, a_turned, x_turned, m, n, k, top, start,
    per, depth_step, tile, pitch, count, zero,
):  # fmt: skip
    """sums = the results of a tile, from row `top` and column `start` on, that are this thread's."""
    thread = cuda.threadIdx.x + 0
    row = thread // SIDE
    column = thread - row * SIDE
    a_steps = layout(a_turned, m, k, depth_step, tile)
    x_steps = layout(1 - x_turned, n, k, depth_step, tile)
    for s in range(per * per):
        sums[s] = zero
    fetch(held_a, a, a_base, top + a_steps[0], a_steps[1], a_steps, m, k, count, zero)
    fetch(held_x, x, x_base, start + x_steps[0], x_steps[1], x_steps, n, k, count, zero)
    depth = 0
    while depth < k:
        for c in range(count):
            left[(a_steps[1] + c * a_steps[3]) * pitch + a_steps[0] + c * a_steps[2]] = held_a[c]
            right[(x_steps[1] + c * x_steps[3]) * pitch + x_steps[0] + c * x_steps[2]] = held_x[c]
        cuda.syncthreads()
        depth += depth_step
        fetch(held_a, a, a_base, top + a_steps[0], depth + a_steps[1], a_steps, m, k, count, zero)
        fetch(held_x, x, x_base, start + x_steps[0], depth + x_steps[1], x_steps, n, k, count, zero)
        for p in range(depth_step):
            for r in range(per):
                rows[r] = left[p * pitch + row + r * SIDE]
                columns[r] = right[p * pitch + column + r * SIDE]
            for r in range(per):
                for s in range(per):
                    sums[r * per + s] += rows[r] * columns[s]
        cuda.syncthreads()


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
    """c = activate((op(a) @ op(x) + bias) * slope(gate)), added to c if accumulate is set.

    Args:
        a_step, x_step: elements from one matrix of the batch to the next (0: one matrix for all).
        transpose_a, transpose_x: set where the operand is stored (k, m) or (n, k).
        activation, gate_code: as in scalars.ACTIVATIONS; the gate is not read where its code is 0.
    """
    left = cuda.shared.array(PANEL, T)
    right = cuda.shared.array(PANEL, T)
    held_a = cuda.local.array(BROUGHT, T)
    held_x = cuda.local.array(BROUGHT, T)
    large_sums = cuda.local.array(LARGE_SUMS, T)
    large_rows = cuda.local.array(LARGE, T)
    large_columns = cuda.local.array(LARGE, T)
    small_sums = cuda.local.array(SMALL_SUMS, T)
    small_rows = cuda.local.array(SMALL, T)
    small_columns = cuda.local.array(SMALL, T)
    results = cuda.local.array(LARGE_SUMS, T)
    thread = cuda.threadIdx.x + 0
    thread_row = thread // SIDE
    thread_column = thread - thread_row * SIDE
    large = _has_large_tiles_device(batch, m, n)
    per = LARGE if large else SMALL
    tile = per * SIDE
    across = (n + tile - 1) // tile
    down = (m + tile - 1) // tile
    item = lo + cuda.blockIdx.x
    while item < hi:
        line = item // across
        b = line // down
        top = (line - b * down) * tile
        start = (item - line * across) * tile
        # The sums stay in registers; the loop below is not unrolled (the activations are too long), which needs memory.
        if large:
            tile_product(
                large_sums, large_rows, large_columns, left, right, held_a, held_x, a, x, b * a_step, b * x_step,
                transpose_a, transpose_x, m, n, k, top, start,
                LARGE, LARGE_DEPTH, LARGE_TILE, LARGE_PITCH, LARGE_BROUGHT, T(0),
            )  # fmt: skip
            for s in range(LARGE_SUMS):
                results[s] = large_sums[s]
        else:
            tile_product(
                small_sums, small_rows, small_columns, left, right, held_a, held_x, a, x, b * a_step, b * x_step,
                transpose_a, transpose_x, m, n, k, top, start,
                SMALL, SMALL_DEPTH, SMALL_TILE, SMALL_PITCH, SMALL_BROUGHT, T(0),
            )  # fmt: skip
            for s in range(SMALL_SUMS):
                results[s] = small_sums[s]
        for r in range(per):
            for s in range(per):
                i = top + thread_row + r * SIDE
                j = start + thread_column + s * SIDE
                if i < m and j < n:
                    place = (b * m + i) * n + j
                    value = finished(results[r * per + s], bias, j, has_bias, activation, gate, place, gate_code)
                    if accumulate != 0:
                        value += c[place]
                    c[place] = value
        item += cuda.gridDim.x
