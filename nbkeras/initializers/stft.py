"""Kernels of convolutions that compute short-time Fourier transforms."""

from __future__ import annotations

import numpy as np

from nbkeras import ops
from nbkeras.arguments import FLAG, NUMBERS, TEXT, accepts, either, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.extras import need
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.initializers.initializer import Initializer

#: Windows by name: the constant and the cosine's share.
WINDOWS = {"hann": 0.5, "hamming": 0.54}


class STFT(Initializer):
    """The real or imaginary part of Fourier's coefficients of a window: (T, 1, F) for T values and F frequencies.

    Args:
        side: 'real' or 'imag'.
        window: 'hann', 'hamming', the name of another of SciPy's, T weights, or None for no weights.
        scaling: 'density' divides by the root of the sum of the weights' squares, 'spectrum' by their sum, None by
            nothing.
        periodic: let the window go on where it ends: its last weight is left out.

    Example:
        >>> STFT("real", window=None)((2, 1, 2)).round(3)[:, 0].tolist()
        [[1.0, 1.0], [1.0, -1.0]]
    """

    @accepts(window=optional(either(TEXT, NUMBERS)), periodic=FLAG)
    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise ArgumentError(f"initializer STFT: side must be 'real' or 'imag', got {side!r}.")
        if isinstance(window, str) and window not in WINDOWS:
            _by_scipy(window, 1, periodic)
        if scaling not in (None, "density", "spectrum"):
            raise ArgumentError(f"initializer STFT: scaling must be 'density', 'spectrum' or None, got {scaling!r}.")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def _weights(self, length):
        if not isinstance(self.window, str):
            weights = np.asarray(ops.convert_to_numpy(self.window), float)
        elif self.window not in WINDOWS:
            weights = _by_scipy(self.window, length, self.periodic)
        else:
            share, turns = WINDOWS[self.window], max(1, length if self.periodic else length - 1)
            weights = share - (1 - share) * np.cos(2 * np.pi * np.arange(length) / turns)
            weights = weights if length > 1 else np.ones(1)
        if weights.shape != (length,):
            raise ShapeError(f"initializer STFT: the window must have shape ({length},), got {weights.shape}.")
        return weights

    def __call__(self, shape, dtype=None):
        length, _, frequencies = shape
        angles = -2 * np.pi * np.outer(np.arange(length), np.arange(frequencies)) / (2 * (frequencies - 1) or 1)
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            weights = self._weights(length)
            scales = {"density": np.sqrt((weights**2).sum()), "spectrum": np.abs(weights).sum()}
            kernel = kernel * weights[:, None] / scales.get(self.scaling, 1.0)
        return ops.convert_to_tensor(kernel[:, None], standardize_dtype(dtype))

    def get_config(self):
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


def _by_scipy(name: str, length: int, periodic: bool):
    """The weights of a window that SciPy knows."""
    windows = need("scipy.signal", f"initializer STFT: the window {name!r}, which is none of {', '.join(WINDOWS)}")
    try:
        return windows.get_window(name, length, fftbins=periodic)
    except ValueError as error:
        raise ArgumentError(
            f"initializer STFT: expected the window {', '.join(WINDOWS)} or another of SciPy's, got {name!r}: {error}",
            next="pass its weights as an array.",
        ) from None
