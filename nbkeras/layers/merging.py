"""Layers that merge several inputs into one."""

from __future__ import annotations

from nbkeras.arguments import AXES, FLAG, INTEGER, accepts
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.masks import get_mask
from nbkeras.layers.layer import Layer
from nbkeras.ops import elementwise as el
from nbkeras.ops import making, normalizing, products, reducing, shaping


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
        if all(len(t.shape) == rank for t in inputs):
            return self._merge(inputs)
        spread = []
        for value in inputs:
            # Keras aligns inputs of lower rank after the batch axis.
            for _ in range(rank - len(value.shape)):
                value = shaping.expand_dims(value, 1)
            spread.append(value)
        return self._merge(spread)

    def compute_mask(self, inputs, mask=None):
        """True where any input is there; None unless all inputs carry masks."""
        if mask is None or not self._all_masks(inputs, mask):
            return None
        return _fold(el.logical_or, mask)

    def _all_masks(self, inputs, mask) -> bool:
        if not isinstance(mask, (list, tuple)) or not isinstance(inputs, (list, tuple)):
            raise ArgumentError(f"layer {self.name!r} ({type(self).__name__}) takes a list of masks, got {mask!r}.")
        if len(mask) != len(inputs):
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}): {len(inputs)} inputs and {len(mask)} masks."
            )
        return all(m is not None for m in mask)


def _fold(function, inputs):
    result = inputs[0]
    for value in inputs[1:]:
        result = function(result, value)
    return result


def _spread_masks(inputs):
    """Pairs of each input and its mask in the input's shape, None without."""
    for value in inputs:
        mask = get_mask(value)
        yield value, None if mask is None else shaping.broadcast_to(shaping.expand_dims(mask, -1), value.shape)


def _extreme(function, inputs):
    """A fold in which the place of what a mask leaves out is taken by the other side."""
    result = there = None
    for number, (value, mask) in enumerate(_spread_masks(inputs)):
        if number == 0:
            result, there = value, mask
            continue
        if mask is not None:
            value = el.where(mask, value, result)
        if there is not None:
            result = el.where(there, result, value)
        there = None if mask is None or there is None else el.logical_or(there, mask)
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
    """The first input minus the second; their shapes broadcast.

    Example:
        >>> import numpy as np
        >>> Subtract()([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[4., 3.]], dtype=float32)
    """

    def _merge(self, inputs):
        if len(inputs) != 2:
            raise ArgumentError(f"layer {self.name!r} (Subtract) takes exactly 2 inputs, got {len(inputs)}.")
        return el.subtract(*inputs)


class Multiply(Merge):
    """The product of the inputs; what a mask leaves out counts as 1, and gives 0 where all leave it out.

    Example:
        >>> import numpy as np
        >>> Multiply()([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[ 5., 10.]], dtype=float32)
    """

    def _merge(self, inputs):
        pairs = list(_spread_masks(inputs))
        product = _fold(el.multiply, [v if mask is None else el.where(mask, v, 1.0) for v, mask in pairs])
        if any(mask is None for _, mask in pairs):
            return product
        return el.where(_fold(el.logical_or, [mask for _, mask in pairs]), product, 0.0)


class Average(Merge):
    """The mean of the inputs; their shapes broadcast.

    Example:
        >>> import numpy as np
        >>> Average()([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[3. , 3.5]], dtype=float32)
    """

    def _merge(self, inputs):
        return el.true_divide(_fold(el.add, inputs), len(inputs))


class Maximum(Merge):
    """The largest of the inputs, of those that their masks do not leave out.

    Example:
        >>> import numpy as np
        >>> Maximum()([np.array([[5.0, 1.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[5., 2.]], dtype=float32)
    """

    def _merge(self, inputs):
        return _extreme(el.maximum, inputs)


class Minimum(Merge):
    """The smallest of the inputs, of those that their masks do not leave out.

    Example:
        >>> import numpy as np
        >>> Minimum()([np.array([[5.0, 1.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[1., 1.]], dtype=float32)
    """

    def _merge(self, inputs):
        return _extreme(el.minimum, inputs)


class Concatenate(Merge):
    """The inputs joined along an axis; the lengths of the other axes must agree.

    Example:
        >>> import numpy as np
        >>> Concatenate()([np.ones((2, 3), "float32"), np.ones((2, 5), "float32")]).shape
        (2, 8)
    """

    @accepts(axis=INTEGER)
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

    def compute_mask(self, inputs, mask=None):
        """The masks joined; an input without one counts as there. None if no input carries a mask."""
        if mask is None or (not self._all_masks(inputs, mask) and all(m is None for m in mask)):
            return None
        places = []
        for value, own in zip(inputs, mask, strict=True):
            if own is None:
                places.append(making.ones_like(value, dtype="bool"))
            elif len(own.shape) < len(value.shape):
                # Spread over the features, so that any axis can be joined.
                places.append(el.logical_or(shaping.expand_dims(own, -1), making.zeros_like(value, dtype="bool")))
            else:
                places.append(own)
        return reducing.any(shaping.concatenate(places, self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


class Dot(Merge):
    """The sum of products of two inputs along an axis of each, sample by sample.

    Args:
        axes: one axis for both, or a pair.
        normalize: divide both by their norm along the axis first.

    Example:
        >>> import numpy as np
        >>> a, b = np.array([[3.0, 4.0]], "float32"), np.array([[4.0, 3.0]], "float32")
        >>> Dot(axes=1)([a, b]), Dot(axes=1, normalize=True)([a, b]).round(4)
        (array([[24.]], dtype=float32), array([[0.96]], dtype=float32))
    """

    @accepts(axes=AXES, normalize=FLAG)
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
        for axis, shape in zip(pair, shapes, strict=True):
            if not -len(shape) <= axis < len(shape):
                raise ArgumentError(f"layer {self.name!r} (Dot): {list(shapes)} have no axes {self.axes}.")
        return [axis % len(shape) for axis, shape in zip(pair, shapes, strict=True)]

    def compute_mask(self, inputs, mask=None):
        """None: the time axis may be summed over."""

    def call(self, inputs):
        first, second = inputs
        a, b = self._places([first.shape, second.shape])
        if self.normalize:
            first, second = normalizing.normalize(first, axis=a), normalizing.normalize(second, axis=b)
        first, second = shaping.moveaxis(first, a, -1), shaping.moveaxis(second, b, 1)
        batch, size = first.shape[0], first.shape[-1]
        rest_a, rest_b = first.shape[1:-1], second.shape[2:]
        y = products.matmul(shaping.reshape(first, (batch, -1, size)), shaping.reshape(second, (batch, size, -1)))
        return shaping.reshape(y, (batch, *rest_a, *rest_b) if rest_a or rest_b else (batch, 1))

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def add(inputs, **kwargs):
    """`Add` as a function: its keywords are those of a layer.

    Example:
        >>> import numpy as np
        >>> add([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[6., 7.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """`Subtract` as a function.

    Example:
        >>> import numpy as np
        >>> subtract([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[4., 3.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """`Multiply` as a function.

    Example:
        >>> import numpy as np
        >>> multiply([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[ 5., 10.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """`Average` as a function.

    Example:
        >>> import numpy as np
        >>> average([np.array([[5.0, 5.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[3. , 3.5]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """`Maximum` as a function.

    Example:
        >>> import numpy as np
        >>> maximum([np.array([[5.0, 1.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[5., 2.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """`Minimum` as a function.

    Example:
        >>> import numpy as np
        >>> minimum([np.array([[5.0, 1.0]], "float32"), np.array([[1.0, 2.0]], "float32")])
        array([[1., 1.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """`Concatenate` as a function.

    Example:
        >>> import numpy as np
        >>> concatenate([np.ones((2, 3), "float32"), np.ones((2, 5), "float32")]).shape
        (2, 8)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """`Dot` as a function.

    Example:
        >>> import numpy as np
        >>> dot([np.array([[3.0, 4.0]], "float32"), np.array([[4.0, 3.0]], "float32")])
        array([[24.]], dtype=float32)
    """
    return Dot(axes=axes, **kwargs)(inputs)
