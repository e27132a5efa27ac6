"""Fourier transforms. A complex tensor is a tuple of its real and imaginary parts, as in Keras."""

from __future__ import annotations

import builtins
import math

import numpy as np

from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.primitives.fourier import factors
from nbkeras.ops import rearranging, shaping
from nbkeras.ops.common import check_counts, dtype_name, emit, is_float, number, op, promote, tensor

#: Lengths with a prime factor above this are transformed as a convolution of another length (Bluestein, 1970).
GREATEST_PRIME = 61


def _parts(x, name):
    """Real and imaginary part, floats of one dtype and shape."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError(f"{name}: expected a tuple of two tensors, the real and the imaginary part, got {x!r}.")
    real, imaginary = tensor(x[0]), tensor(x[1])
    if tuple(real.shape) != tuple(imaginary.shape):
        raise ShapeError(f"{name}: parts of shapes {tuple(real.shape)} and {tuple(imaginary.shape)}.")
    if not (is_float(real.dtype) and is_float(imaginary.dtype)):
        raise ArgumentError(f"{name}: expected parts of float dtype.", next="cast them with ops.cast.")
    return promote(real, imaginary)


def _times(a, b):
    """The product of two complex pairs."""

    def minor(p, q, r, s, join):
        return emit(join, emit("multiply", p, q), emit("multiply", r, s))

    return minor(a[0], b[0], a[1], b[1], "subtract"), minor(a[0], b[1], a[1], b[0], "add")


def _rows(real, imaginary, inverse):
    """The transform of (batch, n), without a factor."""
    n = real.shape[1]
    if max(factors(n), default=1) <= GREATEST_PRIME:
        return emit("fourier", real, imaginary, inverse=inverse)
    # j k = (j**2 + k**2 - (k - j)**2) / 2 makes the transform a convolution with a chirp.
    kind, sign = dtype_name(real.dtype), 1 if inverse else -1
    size = 1 << (2 * n - 2).bit_length()
    chirp = np.exp(sign * 1j * np.pi * (np.arange(n, dtype=np.int64) ** 2 % (2 * n)) / n)
    other = np.zeros(size, complex)
    other[:n] = chirp.conj()
    other[size - n + 1 :] = chirp.conj()[:0:-1]
    other = np.fft.fft(other) / size
    chirp, other = ((x.real.astype(kind), x.imag.astype(kind)) for x in (chirp, other))
    turned = [shaping.pad(part, ((0, 0), (0, size - n))) for part in _times((real, imaginary), chirp)]
    spectrum = emit("fourier", *turned, inverse=False)
    wide = emit("fourier", *_times(spectrum, other), inverse=True)
    return _times([shaping.sliced(part, {1: builtins.slice(0, n)}) for part in wide], chirp)


def _transform(parts, axis=-1, inverse=False):
    """The transform along an axis; the inverse one with the factor 1 / n."""
    moved = [shaping.moveaxis(part, axis, -1) for part in parts]
    shape = tuple(moved[0].shape)
    if math.prod(shape) == 0:
        return tuple(parts)
    flat = [emit("reshape", part, shape=(math.prod(shape[:-1]), shape[-1])) for part in moved]
    results = [emit("reshape", part, shape=shape) for part in _rows(*flat, inverse)]
    if inverse:
        results = [emit("multiply", part, number(part, 1 / shape[-1])) for part in results]
    return tuple(shaping.moveaxis(part, -1, axis) for part in results)


@op
def fft(x):
    """The Fourier transform along the last axis.

    Args:
        x: real and imaginary part.

    Returns:
        Real and imaginary part.

    Example:
        >>> import numpy as np
        >>> real, imaginary = fft((np.array([0.0, 1.0]), np.zeros(2)))
        >>> real
        array([ 1., -1.])
    """
    return _transform(_parts(x, "fft"))


def _two_axes(x, name):
    parts = _parts(x, name)
    if len(parts[0].shape) < 2:
        raise ShapeError(f"{name}: expected tensors of rank 2 or more, got shape {tuple(parts[0].shape)}.")
    return parts


@op
def fft2(x):
    """The Fourier transform along the last two axes of (real, imaginary).

    Example:
        >>> import numpy as np
        >>> real, imaginary = fft2((np.ones((2, 2), "float32"), np.zeros((2, 2), "float32")))
        >>> np.abs(real).round(4)
        array([[4., 0.],
               [0., 0.]], dtype=float32)
    """
    return _transform(_transform(_two_axes(x, "fft2")), axis=-2)


@op
def ifft2(x):
    """The inverse Fourier transform along the last two axes of (real, imaginary).

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
        >>> real, imaginary = ifft2(fft2((x, np.zeros_like(x))))
        >>> real.round(4)
        array([[1., 2.],
               [3., 4.]], dtype=float32)
    """
    return _transform(_transform(_two_axes(x, "ifft2"), inverse=True), axis=-2, inverse=True)


def _cut(x, n):
    """The first n values of the last axis, zeros behind if there are fewer."""
    axis, have = len(x.shape) - 1, x.shape[-1]
    if have > n:
        return shaping.sliced(x, {axis: builtins.slice(0, n)})
    return shaping.pad(x, [(0, 0)] * axis + [(0, n - have)]) if have < n else x


@op
def rfft(x, fft_length=None):
    """The Fourier transform along the last axis of real values: (real, imaginary) of the n // 2 + 1 lowest frequencies.

    Args:
        fft_length: n: x is cut, or filled up with zeros, to so many values.

    Example:
        >>> real, imaginary = rfft([1.0, 2.0, 3.0, 4.0])
        >>> real.round(4)
        array([10., -2., -2.], dtype=float32)
    """
    (x,) = promote(tensor(x), floating=True)
    if not x.shape:
        raise ShapeError("rfft: expected a tensor of rank 1 or more, got shape ().")
    x = x if fft_length is None else _cut(x, int(fft_length))
    half = {len(x.shape) - 1: builtins.slice(0, x.shape[-1] // 2 + 1)}
    zeros = emit("multiply", x, number(x, 0))
    return tuple(shaping.sliced(part, half) for part in _transform((x, zeros)))


@op
def irfft(x, fft_length=None):
    """Real values from the lowest frequencies of their Fourier transform: the inverse of `rfft`.

    Args:
        x: real and imaginary part.
        fft_length: how many values; 2 (m - 1) of m frequencies by default.

    Example:
        >>> irfft(rfft([1.0, 2.0, 3.0, 4.0])).round(4)
        array([1., 2., 3., 4.], dtype=float32)
    """
    parts = _parts(x, "irfft")
    n = 2 * (parts[0].shape[-1] - 1) if fft_length is None else int(fft_length)
    real, imaginary = (_cut(part, n // 2 + 1) for part in parts)
    axis = len(real.shape) - 1
    # The other frequencies are the conjugates, in reverse; the lowest and, for even n, the highest have none.
    inner = np.arange((n - 1) // 2, 0, -1)
    edge = np.ones(n // 2 + 1, dtype_name(real.dtype))
    edge[0] = 0
    if n % 2 == 0:
        edge[-1] = 0
    imaginary = emit("multiply", imaginary, edge)
    if len(inner):
        real = shaping.concatenate([real, emit("gather", real, inner, axis=axis)], axis)
        mirrored = emit("negative", emit("gather", imaginary, inner, axis=axis))
        imaginary = shaping.concatenate([imaginary, mirrored], axis)
    return _transform((real, imaginary), inverse=True)[0]


def _window(window, length, fft_length, kind, name):
    """The window in the middle of fft_length values."""
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ArgumentError(f"{name}: a window by name must be 'hann' or 'hamming', got {window!r}.")
        share = {"hann": 0.5, "hamming": 0.54}[window]
        window = share - (1 - share) * np.cos(2 * np.pi * np.arange(length) / length)
    if window is None:
        return np.ones(fft_length, kind)
    window = tensor(window, kind)
    if tuple(window.shape) != (length,):
        raise ShapeError(f"{name}: the window must have shape ({length},), got {tuple(window.shape)}.")
    before = (fft_length - length) // 2
    return shaping.pad(window, ((before, fft_length - length - before),))


@op
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The Fourier transforms of windows along the last axis.   (..., T) -> two of (..., windows, fft_length // 2 + 1)

    Args:
        sequence_length: values of a window.
        sequence_stride: from one window to the next.
        fft_length: to so many values windows are filled up with zeros.
        window: 'hann', 'hamming', weights (sequence_length,), or None for no weights.
        center: let windows have their middle, not their start, at multiples of the stride; the ends are mirrored.

    Example:
        >>> import numpy as np
        >>> real, imaginary = stft(np.ones((2, 64), "float32"), sequence_length=16, sequence_stride=8, fft_length=16)
        >>> real.shape
        (2, 9, 9)
    """
    x = tensor(x)
    if not is_float(x.dtype):
        raise ArgumentTypeError(f"stft: expected float32 or float64, got {dtype_name(x.dtype)}.")
    check_counts("stft", sequence_length=sequence_length, sequence_stride=sequence_stride, fft_length=fft_length)
    if fft_length < sequence_length:
        raise ArgumentError(f"stft: fft_length {fft_length} is less than sequence_length {sequence_length}.")
    if center:
        x = shaping.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2,) * 2], mode="reflect")
    weights = _window(window, sequence_length, fft_length, dtype_name(x.dtype), "stft")
    windows = rearranging.extract_sequences(x, fft_length, sequence_stride)
    return rfft(emit("multiply", windows, weights))


@op
def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """Values from the Fourier transforms of windows: the inverse of `stft`; windows are added where they overlap.

    Args:
        x: real and imaginary part.
        length: how many values to give.
        sequence_length, sequence_stride, fft_length, window, center: as for `stft`.

    Example:
        >>> import numpy as np
        >>> x = np.sin(np.arange(64, dtype="float32"))
        >>> y = istft(stft(x, 16, 4, 16), 16, 4, 16, length=64)
        >>> bool(abs(y - x).max() < 1e-4)
        True
    """
    parts = _parts(x, "istft")
    check_counts("istft", sequence_length=sequence_length, sequence_stride=sequence_stride, fft_length=fft_length)
    if len(parts[0].shape) < 2:
        raise ShapeError(f"istft: expected tensors of rank 2 or more, got shape {tuple(parts[0].shape)}.")
    values = irfft(parts, fft_length)
    kind, lead = dtype_name(values.dtype), tuple(values.shape[:-2])
    count = values.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    weights = _window(window, sequence_length, fft_length, kind, "istft")
    places = (sequence_stride * np.arange(count)[:, None] + np.arange(fft_length)).astype(np.int64)

    def added(windows):
        flat = emit("reshape", windows, shape=(math.prod(windows.shape[:-2]), count, fft_length))
        return emit("scatter_add", places, flat, axis=1, size=total)

    sums = added(emit("multiply", values, weights))
    squares = emit("broadcast_to", emit("multiply", weights, weights), shape=(1, count, fft_length))
    norm = added(squares)
    norm = emit("where", emit("greater", norm, number(norm, 1e-10)), norm, number(norm, 1))
    y = emit("reshape", emit("divide", sums, norm), shape=(*lead, total))
    if window is None:
        y = emit("multiply", y, number(y, fft_length / sequence_stride))
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return shaping.sliced(y, {len(lead): builtins.slice(start, min(end, total))})
