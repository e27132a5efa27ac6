"""Layers that merge several inputs into one."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.layer import Layer
from nbkeras.ops import elementwise as el
from nbkeras.ops import linalg, normalizing, shaping


class Merge(Layer):
    """The base of layers over a list of inputs; shapes broadcast, batches must agree."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge(self, inputs):
        raise NotImplementedError

    def build(self, input_shape):
        if not input_shape or not isinstance(input_shape[0], (list, tuple)):
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}) takes a list of inputs, got one of shape {input_shape}.",
                next="pass the tensors as a list: layer([a, b]).",
            )
        batches = {shape[0] for shape in input_shape if shape} - {None}
        if len(batches) > 1:
            raise ShapeError(
                f"layer {self.name!r} ({type(self).__name__}): the inputs have different batch sizes: {input_shape}."
            )
        self._check_shapes(input_shape)

    def _check_shapes(self, shapes):
        rank = max(len(s) for s in shapes)
        for axis in range(1, rank):
            lengths = {s[axis] for s in shapes if len(s) == rank} - {None, 1}
            if len(lengths) > 1:
                raise ShapeError(
                    f"layer {self.name!r} ({type(self).__name__}): shapes {list(shapes)} do not broadcast.",
                    next="give the inputs equal shapes, or lengths of 1 where they differ.",
                )

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}) takes a list of inputs, got one tensor.",
                next="pass the tensors as a list: layer([a, b]).",
            )
        rank = max(len(t.shape) for t in inputs)
        spread = []
        for value in inputs:
            # Keras aligns inputs of lower rank after the batch axis.
            for _ in range(rank - len(value.shape)):
                value = shaping.expand_dims(value, 1)
            spread.append(value)
        return self._merge(spread)


def _fold(function, inputs):
    result = inputs[0]
    for value in inputs[1:]:
        result = function(result, value)
    return result


class Add(Merge):
    """The sum of the inputs.

    Example:
        >>> import numpy as np
        >>> Add()([np.ones((1, 2), "float32"), np.ones((1, 2), "float32")])
        array([[2., 2.]], dtype=float32)
    """

    def _merge(self, inputs):
        return _fold(el.add, inputs)


class Subtract(Merge):
    """The first input minus the second."""

    def _merge(self, inputs):
        if len(inputs) != 2:
            raise ArgumentError(f"layer {self.name!r} (Subtract) takes exactly 2 inputs, got {len(inputs)}.")
        return el.subtract(*inputs)


class Multiply(Merge):
    """The product of the inputs."""

    def _merge(self, inputs):
        return _fold(el.multiply, inputs)


class Average(Merge):
    """The mean of the inputs."""

    def _merge(self, inputs):
        return el.true_divide(_fold(el.add, inputs), len(inputs))


class Maximum(Merge):
    """The largest of the inputs."""

    def _merge(self, inputs):
        return _fold(el.maximum, inputs)


class Minimum(Merge):
    """The smallest of the inputs."""

    def _merge(self, inputs):
        return _fold(el.minimum, inputs)


class Concatenate(Merge):
    """The inputs joined along an axis."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def _check_shapes(self, shapes):
        ranks = {len(s) for s in shapes}
        rank = max(ranks)
        if len(ranks) > 1 or not -rank <= self.axis < rank:
            raise ShapeError(
                f"layer {self.name!r} (Concatenate): shapes {list(shapes)} cannot be joined along axis {self.axis}."
            )
        for axis in range(rank):
            if axis != self.axis % rank and len({s[axis] for s in shapes} - {None}) > 1:
                raise ShapeError(
                    f"layer {self.name!r} (Concatenate): shapes {list(shapes)} must agree in every axis but "
                    f"{self.axis}; they differ in axis {axis}."
                )

    def _merge(self, inputs):
        return shaping.concatenate(inputs, self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


class Dot(Merge):
    """The sum of products of two inputs along an axis of each, sample by sample.

    Args:
        axes: one axis for both, or a pair.
        normalize: divide both by their norm along the axis first.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        self.axes, self.normalize = axes, normalize

    def _check_shapes(self, shapes):
        if len(shapes) != 2:
            raise ArgumentError(f"layer {self.name!r} (Dot) takes exactly 2 inputs, got {len(shapes)}.")
        a, b = self._places(shapes)
        if None not in (shapes[0][a], shapes[1][b]) and shapes[0][a] != shapes[1][b]:
            raise ShapeError(f"layer {self.name!r} (Dot): axes {self.axes} of {list(shapes)} differ in length.")

    def _places(self, shapes):
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [axis % len(shape) for axis, shape in zip(pair, shapes, strict=True)]

    def call(self, inputs):
        first, second = inputs
        a, b = self._places([first.shape, second.shape])
        if self.normalize:
            first, second = normalizing.normalize(first, axis=a), normalizing.normalize(second, axis=b)
        first, second = shaping.moveaxis(first, a, -1), shaping.moveaxis(second, b, 1)
        batch, size = first.shape[0], first.shape[-1]
        rest_a, rest_b = first.shape[1:-1], second.shape[2:]
        y = linalg.matmul(shaping.reshape(first, (batch, -1, size)), shaping.reshape(second, (batch, size, -1)))
        return shaping.reshape(y, (batch, *rest_a, *rest_b) if rest_a or rest_b else (batch, 1))

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def add(inputs, **kwargs):
    """`Add` as a function."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """`Subtract` as a function."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """`Multiply` as a function."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """`Average` as a function."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """`Maximum` as a function."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """`Minimum` as a function."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """`Concatenate` as a function."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """`Dot` as a function."""
    return Dot(axes=axes, **kwargs)(inputs)
