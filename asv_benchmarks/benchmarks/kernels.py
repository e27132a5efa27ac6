"""Kernels against NumPy on the same arrays in the same sitting: time over NumPy's time."""

from __future__ import annotations

import numpy as np

from .common import ratio

#: M×K×N of the products in a training step of the reference workloads, and one large one.
PRODUCTS = {
    "1024x1024x1024": (1024, 1024, 1024),
    "32x784x128": (32, 784, 128),
    "128x784x512": (128, 784, 512),
    "256x512x512": (256, 512, 512),
    "32x64x64": (32, 64, 64),
    "784x128x512": (784, 128, 512),
}


def numpy_sigmoid(x: np.ndarray) -> np.ndarray:
    """The usual two lines of NumPy."""
    return np.float32(1) / (np.float32(1) + np.exp(-x))


class MatrixProduct:
    """`ops.matmul` of float32 matrices over `numpy.matmul`."""

    version = "1"
    timeout = 300
    unit = "ratio to NumPy"
    params = (tuple(PRODUCTS), ("plain", "left transposed", "right transposed"))
    param_names = ("size", "operands")

    def setup(self, size, operands):
        from nbkeras import ops

        rows, inner, columns = PRODUCTS[size]
        rng = np.random.default_rng(0)
        self.left = rng.standard_normal((rows, inner), dtype=np.float32)
        self.right = rng.standard_normal((inner, columns), dtype=np.float32)
        if operands == "left transposed":
            self.left = np.ascontiguousarray(self.left.T).T
        elif operands == "right transposed":
            self.right = np.ascontiguousarray(self.right.T).T
        self.matmul = ops.matmul
        self.matmul(self.left, self.right)

    def track_ratio_numpy(self, size, operands):
        return ratio(lambda: self.matmul(self.left, self.right), lambda: np.matmul(self.left, self.right))


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
