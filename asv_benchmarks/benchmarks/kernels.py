"""Kernels against NumPy on the same arrays in the same sitting: time over NumPy's time."""

from __future__ import annotations

import numpy as np

from .common import ratio, seconds_per_call

#: M×K×N of the products in a training step of the reference workloads, one large one, and matrices by a vector.
PRODUCTS = {
    "1024x1024x1024": (1024, 1024, 1024),
    "32x784x128": (32, 784, 128),
    "128x784x512": (128, 784, 512),
    "256x512x512": (256, 512, 512),
    "32x64x64": (32, 64, 64),
    "784x128x512": (784, 128, 512),
    "1x1024x1024": (1, 1024, 1024),
    "1024x1024x1": (1024, 1024, 1),
}


def numpy_sigmoid(x: np.ndarray) -> np.ndarray:
    """The usual two lines of NumPy."""
    return np.float32(1) / (np.float32(1) + np.exp(-x))


def product(left: np.ndarray, right: np.ndarray, transpose_left: bool, transpose_right: bool):
    """A call that runs the matmul kernel on stored operands and the array that it fills."""
    from nbkeras.kernels import gemm, runner

    (m, k) = left.T.shape if transpose_left else left.shape
    n = right.shape[0] if transpose_right else right.shape[1]
    result = np.empty((m, n), np.float32)
    numbers = dict.fromkeys("batch m n k a_step x_step transpose_a transpose_x".split(), 0)
    numbers.update(batch=1, m=m, n=n, k=k, transpose_a=int(transpose_left), transpose_x=int(transpose_right))
    numbers.update(has_bias=0, activation=0, gate_code=0, accumulate=0)
    arguments = (result, left, right, None, None, *numbers.values())
    return runner.Program([(gemm.matmul, "f4", arguments, *gemm.matmul.schedule(**numbers))]).run, result


class MatrixProduct:
    """The kernel of float32 matrix products over `numpy.matmul`, both into an array that is there."""

    version = "2"
    timeout = 300
    unit = "ratio to NumPy"
    params = (tuple(PRODUCTS), ("plain", "left transposed", "right transposed"))
    param_names = ("size", "operands")

    def setup(self, size, operands):
        rows, inner, columns = PRODUCTS[size]
        left_turned, right_turned = operands == "left transposed", operands == "right transposed"
        rng = np.random.default_rng(0)
        left = rng.standard_normal((inner, rows) if left_turned else (rows, inner), dtype=np.float32)
        right = rng.standard_normal((columns, inner) if right_turned else (inner, columns), dtype=np.float32)
        self.ours, result = product(left, right, left_turned, right_turned)
        self.left, self.right = left.T if left_turned else left, right.T if right_turned else right
        self.result = np.empty_like(result)
        self.ours()
        assert np.allclose(result, self.left @ self.right, atol=1e-2)

    def track_ratio_numpy(self, size, operands):
        return ratio(self.ours, lambda: np.matmul(self.left, self.right, out=self.result))


class EagerCall:
    """What one eager call of a small operation costs, in seconds."""

    version = "1"
    timeout = 120
    unit = "seconds"
    params = ("relu", "add", "matmul")
    param_names = ("operation",)

    def setup(self, operation):
        from nbkeras import ops

        x = np.ones((8, 8), np.float32)
        function = getattr(ops, operation)
        self.call = (lambda: function(x)) if operation == "relu" else (lambda: function(x, x))

    def track_seconds(self, operation):
        return seconds_per_call(self.call)


class Elementwise:
    """A function of a million floats over NumPy's."""

    version = "1"
    timeout = 120
    unit = "ratio to NumPy"
    params = ("exp", "tanh", "sigmoid")
    param_names = ("function",)

    def setup(self, function):
        from nbkeras import ops

        self.x = np.random.default_rng(0).standard_normal(1_000_000, dtype=np.float32)
        self.ours = getattr(ops, function)
        self.theirs = {"exp": np.exp, "tanh": np.tanh, "sigmoid": numpy_sigmoid}[function]
        self.ours(self.x)

    def track_ratio_numpy(self, function):
        return ratio(lambda: self.ours(self.x), lambda: self.theirs(self.x))


#: Batches of images (N, H, W, C) between the convolutions of the reference workloads.
IMAGES = {"128x26x26x32": (128, 26, 26, 32), "64x32x32x32": (64, 32, 32, 32), "64x16x16x64": (64, 16, 16, 64)}


def numpy_max_pool(x: np.ndarray) -> np.ndarray:
    """The usual line of NumPy for windows of 2 by 2."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def numpy_batch_norm(x: np.ndarray) -> np.ndarray:
    """Normalization of channels with their own statistics, and relu."""
    axes = tuple(range(x.ndim - 1))
    return np.maximum((x - x.mean(axes)) / np.sqrt(x.var(axes) + np.float32(1e-3)), 0)


class Images:
    """What stands around convolutions, over the usual lines of NumPy."""

    version = "1"
    timeout = 120
    unit = "ratio to NumPy"
    params = (tuple(IMAGES), ("max pooling", "batch normalization and relu"))
    param_names = ("images", "work")

    def setup(self, images, work):
        from nbkeras import ops
        from nbkeras.graph.traced import Traced
        from nbkeras.ops.normalizing import batch_normalized

        self.x = np.random.default_rng(0).standard_normal(IMAGES[images], dtype=np.float32)
        if work == "max pooling":
            self.ours, self.theirs = (lambda x: ops.max_pool(x, 2)), numpy_max_pool
        else:
            traced = Traced(lambda x: ops.relu(batch_normalized(x, None, None, -1, 1e-3)[0]))
            self.ours, self.theirs = traced, numpy_batch_norm
        self.ours(self.x)

    def track_ratio_numpy(self, images, work):
        return ratio(lambda: self.ours(self.x), lambda: self.theirs(self.x))
