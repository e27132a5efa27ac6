"""Normalization: data brought to mean 0 and variance 1, by statistics of a data set."""

from __future__ import annotations

import math

import numpy as np

from nbkeras import config, ops
from nbkeras.arguments import AXES, FLAG, accepts, optional
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError, ShapeError, StateError
from nbkeras.layers.layer import Layer
from nbkeras.ops.common import is_tensor


class Normalization(Layer):
    """(x - mean) / sqrt(variance), with statistics that are given or found by `adapt`.

    Args:
        axis: axes that have statistics of their own: an axis, several, or None for one mean of everything.
        mean, variance: numbers or arrays; both or neither.
        invert: undo the normalization: x * sqrt(variance) + mean.

    Raises:
        ArgumentError: only one of mean and variance is given, or their shapes do not fit.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")
        >>> layer = Normalization()
        >>> layer.adapt(x)
        >>> layer(x)
        array([[-1., -1.], [ 1.,  1.]], dtype=float32)
    """

    @accepts(axis=optional(AXES), invert=FLAG)
    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance = mean, variance
        self.invert = invert
        self.supports_masking = True
        if (mean is None) != (variance is None):
            raise ArgumentError(f"layer {self.name!r} (Normalization): give both mean and variance, or neither.")
        if mean is not None:
            if np.shape(mean) != np.shape(variance):
                raise ArgumentError(
                    f"layer {self.name!r} (Normalization): mean has shape {np.shape(mean)}, variance has "
                    f"{np.shape(variance)}; they must be equal."
                )
            if np.ndim(mean) > len(self.axis):
                raise ArgumentError(
                    f"layer {self.name!r} (Normalization): mean has {np.ndim(mean)} axes, more than axis={self.axis} "
                    "keeps."
                )

    def build(self, input_shape):
        rank = len(input_shape)
        strange = [a for a in self.axis if not -rank <= a < rank]
        if strange:
            raise ArgumentError(
                f"layer {self.name!r} (Normalization): axis {strange[0]} does not exist in an input of rank {rank}."
            )
        kept = self._kept(rank)
        shape = tuple(input_shape[a] for a in kept)
        if None in shape:
            raise ShapeError(
                f"layer {self.name!r} (Normalization): the axes {self.axis} must have known lengths, got shape "
                f"{tuple(input_shape)}."
            )
        self._lengths, self._rank = shape, rank
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            # Files of Keras have it.
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")

    def _kept(self, rank):
        return sorted(a % rank for a in self.axis)

    def _spread(self, value, rank):
        """Statistics in a shape that broadcasts to the input; of fewer axes they belong to the last ones kept."""
        kept = self._kept(rank)
        value = ops.cast(ops.convert_to_tensor(value), self.compute_dtype)
        lengths = (1,) * (len(kept) - len(value.shape)) + tuple(value.shape)
        placed = dict(zip(kept, lengths, strict=True))
        value = ops.reshape(value, [placed.get(axis, 1) for axis in range(rank)])
        whole = dict(zip(kept, self._lengths, strict=True))
        return ops.broadcast_to(value, [whole.get(axis, 1) for axis in range(rank)])

    @property
    def mean(self):
        """The mean, in a shape that broadcasts to the input; None before the layer is built."""
        if not self.built:
            return None
        return self._spread(self.adapt_mean if self.input_mean is None else self.input_mean, self._rank)

    @property
    def variance(self):
        """The variance, likewise."""
        if not self.built:
            return None
        return self._spread(self.adapt_variance if self.input_mean is None else self.input_variance, self._rank)

    def adapt(self, data):
        """Find mean and variance.

        Args:
            data: an array, or what yields batches: a `PyDataset`, a list or generator of arrays or of tuples that
                start with one.

        Raises:
            DataError: there are no batches, or their shapes differ.

        Example:
            >>> import numpy as np
            >>> layer = Normalization()
            >>> layer.adapt(np.array([[0.0], [2.0], [4.0]], "float32"))
            >>> layer(np.array([[2.0], [4.0]], "float32")).round(4)
            array([[0.    ],
                   [1.2247]], dtype=float32)
        """
        if self.input_mean is not None:
            raise StateError(f"layer {self.name!r} (Normalization): adapt after mean and variance were given.")
        if is_tensor(data):
            batches = [ops.convert_to_numpy(data)]
        else:
            batches = self._batches(data)
        count, mean, variance = 0, 0.0, 0.0
        for batch in batches:
            batch = np.asarray(batch)
            self._check(batch.shape)
            axes = tuple(a for a in range(batch.ndim) if a not in self._kept(batch.ndim))
            rows = math.prod(batch.shape[a] for a in axes) if axes else 1
            batch = batch.astype("float64")
            own_mean, own_variance = batch.mean(axis=axes), batch.var(axis=axes)
            # Chan, Golub and LeVeque (1983): the moments of two parts give those of the whole.
            share, step = rows / max(1, count + rows), own_mean - mean
            variance = variance * (1 - share) + own_variance * share + step**2 * share * (1 - share)
            mean, count = mean + step * share, count + rows
        if count == 0:
            raise DataError(f"layer {self.name!r} (Normalization): adapt got no data.")
        self.adapt_mean.assign(np.asarray(mean, self.variable_dtype))
        self.adapt_variance.assign(np.asarray(variance, self.variable_dtype))

    def _batches(self, data):
        if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, (list, tuple)):
            data = map(data.__getitem__, range(len(data)))
        if not hasattr(data, "__iter__"):
            raise ArgumentTypeError(
                f"layer {self.name!r} (Normalization): adapt takes an array or batches of arrays, got {data!r}."
            )
        for batch in data:
            batch = batch[0] if isinstance(batch, (list, tuple)) else batch
            if not hasattr(batch, "shape"):
                raise ArgumentTypeError(
                    f"layer {self.name!r} (Normalization): adapt takes batches of arrays, got {batch!r} for one.",
                    next="yield arrays, or tuples that start with one.",
                )
            yield batch

    def _check(self, shape):
        if not self.built:
            self.build(tuple(shape))
        lengths = tuple(shape[a] for a in self._kept(len(shape))) if len(shape) == self._rank else None
        if lengths != self._lengths:
            raise DataError(
                f"layer {self.name!r} (Normalization): adapt got data of shape {tuple(shape)}; the layer was built for "
                f"lengths {self._lengths} along {self.axis}."
            )

    def call(self, inputs):
        rank = len(inputs.shape)
        given = self.input_mean is not None
        mean = self._spread(self.input_mean if given else self.adapt_mean, rank)
        variance = self._spread(self.input_variance if given else self.adapt_variance, rank)
        inputs = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(variance), config.epsilon())
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        statistics = {"mean": _listed(self.input_mean), "variance": _listed(self.input_variance)}
        return {**super().get_config(), "axis": self.axis, "invert": self.invert, **statistics}


def _listed(value):
    return None if value is None else np.asarray(value).tolist()
