"""STFTSpectrogram: which frequencies sound when."""

from __future__ import annotations

import warnings

from nbkeras import config, initializers, ops
from nbkeras.arguments import FLAG, accepts, choice, optional, whole
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.dtypes import is_float
from nbkeras.layers.spatial import SpatialLayer
from nbkeras.ops.convolving import output_size


class STFTSpectrogram(SpatialLayer):
    """Spectrograms of sounds, by a Fourier transform of each frame.   (N, T, C) -> (N, frames, C * F)

    F is `fft_length // 2 + 1`, twice as many with mode 'stft'. The transform is a convolution whose kernels are
    weights: with `trainable=False` they stay what they are.

    Args:
        mode: what is told of each frequency: its 'magnitude', the 'log' of it, its 'angle', its power spectral density
            'psd', the 'real' or 'imag' part, or both one after the other, 'stft'.
        frame_length: values in a frame.
        frame_step: from one frame to the next; half a frame by default.
        fft_length: how long a frame is made with zeros; the next power of two by default.
        window: 'hann', 'hamming', the name of another of SciPy's, frame_length weights, or None.
        periodic: let the window go on where it ends: its last weight is left out.
        scaling: 'density' divides by the root of the sum of the weights' squares, 'spectrum' by their sum, None by
            nothing.
        padding: 'valid' (whole frames) or 'same' (ceil(T / frame_step) frames).
        expand_dims: give the channels an axis of their own: (N, frames, F, C).
        data_format: 'channels_last', or 'channels_first': (N, C, T) -> (N, C * F, frames), expanded
            (N, C, frames, F).

    Raises:
        ArgumentTypeError: the input's values are no floats.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 4 / 32 * np.arange(128, dtype="float32")).reshape(1, 128, 1)
        >>> STFTSpectrogram("magnitude", frame_length=32)(wave).argmax(axis=-1)
        array([[4, 4, 4, 4, 4, 4, 4]])
    """

    rank = 1

    @accepts(
        mode=choice("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
        frame_length=whole(2),
        frame_step=optional(whole(1)),
        fft_length=optional(whole(2)),
        padding=choice("valid", "same"),
        expand_dims=FLAG,
    )
    def __init__(
        self,
        mode="log",
        frame_length=256,
        frame_step=None,
        fft_length=None,
        window="hann",
        periodic=False,
        scaling="density",
        padding="valid",
        expand_dims=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format, **kwargs)
        if frame_step is not None and frame_step > frame_length:
            raise ArgumentError(
                f"{self._who()}: expected frame_step up to frame_length, {frame_length}, got {frame_step}."
            )
        if fft_length is not None and fft_length < frame_length:
            raise ArgumentError(
                f"{self._who()}: expected fft_length from frame_length, {frame_length}, on, got {fft_length}."
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(f"{self._who()}: fft_length should be a power of two, got {fft_length}.", stacklevel=3)
        self.mode = mode
        self.frame_length, self.frame_step, self.fft_length = frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self._step = frame_step or frame_length // 2
        self._frequencies = (fft_length or 1 << (frame_length - 1).bit_length()) // 2 + 1
        sides = {"real": ["real"], "imag": ["imag"]}.get(mode, ["real", "imag"])
        self._initializers = {side: initializers.STFT(side, window, scaling, periodic) for side in sides}

    def build(self, input_shape):
        shape = (self.frame_length, 1, self._frequencies)
        for side, initializer in self._initializers.items():
            setattr(self, f"{side}_kernel", self.add_weight(shape, initializer, name=f"{side}_kernel"))

    def call(self, inputs):
        if not is_float(inputs.dtype):
            raise ArgumentTypeError(
                f"{self._who()}: expected floats, got {inputs.dtype}.",
                next="cast the input, and bring it to the range from -1 to 1.",
            )
        if self.data_format == "channels_last":
            inputs = ops.transpose(inputs, (0, 2, 1))
        rows, channels, length = inputs.shape
        kernel = ops.concatenate([getattr(self, f"{side}_kernel") for side in self._initializers], axis=-1)
        waves = ops.reshape(inputs, (rows * channels, length, 1))
        parts = ops.conv(waves, kernel, self._step, self.padding, "channels_last")
        return self._arranged(self._told(ops.reshape(parts, (rows, channels, *parts.shape[1:]))))

    def _told(self, parts):
        """What the mode tells of the real and imaginary parts."""
        if self.mode in ("real", "imag", "stft"):
            return parts
        real, imag = ops.split(parts, 2, axis=-1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":
            # All frequencies but the first and the last stand for their mirror images too.
            return power + ops.pad(power[..., 1:-1], ((0, 0), (0, 0), (0, 0), (1, 1)))
        magnitude = ops.sqrt(ops.maximum(power, config.epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, config.epsilon()))

    def _arranged(self, y):
        """(N, C, frames, F) in the order of axes of the output."""
        rows, channels, frames, frequencies = y.shape
        if self.data_format == "channels_first":
            if self.expand_dims:
                return y
            return ops.reshape(ops.transpose(y, (0, 1, 3, 2)), (rows, channels * frequencies, frames))
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1))
        return ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (rows, frames, channels * frequencies))

    def compute_output_shape(self, input_shape):
        first = self.data_format == "channels_first"
        rows, length, channels = (input_shape[i] for i in ((0, 2, 1) if first else (0, 1, 2)))
        frames = output_size(length, self.frame_length, self._step, self.padding, 1)
        if frames is not None and frames < 1:
            raise ShapeError(
                f"{self._who()}: a frame of {self.frame_length} does not fit into an input of shape "
                f"{tuple(input_shape)}.",
                next="choose a smaller frame_length or padding='same'.",
            )
        frequencies = self._frequencies * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (rows, channels, frames, frequencies) if first else (rows, frames, frequencies, channels)
        together = None if channels is None else channels * frequencies
        return (rows, together, frames) if first else (rows, frames, together)

    def get_config(self):
        names = ("mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding")
        own = {name: getattr(self, name) for name in (*names, "data_format", "expand_dims")}
        return {**super().get_config(), **own}
