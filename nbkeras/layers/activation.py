"""Layers that apply an activation."""

from __future__ import annotations

from nbkeras import activations, constraints, initializers, ops, regularizers
from nbkeras.arguments import AXES, NUMBER, SIZE, accepts, number, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: name or function.

    Example:
        >>> import numpy as np
        >>> Activation("relu")(np.array([-1.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs):
        return self.activation(inputs)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(Layer):
    """max(x, 0), with a slope below `threshold` and a largest value.

    Args:
        max_value: the largest output, unlimited if None.
        negative_slope: slope below the threshold.
        threshold: where the slope changes.

    Example:
        >>> import numpy as np
        >>> ReLU(max_value=6.0, negative_slope=0.1)(np.array([[-1.0, 2.0, 9.0]], "float32"))
        array([[-0.1,  2. ,  6. ]], dtype=float32)
    """

    @accepts(max_value=optional(number(0, infinite=True)), negative_slope=SIZE, threshold=SIZE)
    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def get_config(self):
        names = ("max_value", "negative_slope", "threshold")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class LeakyReLU(Layer):
    """x where positive, else negative_slope * x.   any shape

    Raises:
        ArgumentError: negative_slope is None.

    Example:
        >>> import numpy as np
        >>> LeakyReLU()(np.array([[-1.0, 2.0]], "float32"))
        array([[-0.3,  2. ]], dtype=float32)

    Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    @accepts(negative_slope=NUMBER)
    def __init__(self, negative_slope=0.3, **kwargs):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        if negative_slope is None:
            raise ArgumentError(f"layer {self.name!r} (LeakyReLU): negative_slope must be a number, got None.")
        self.negative_slope = negative_slope
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return ops.leaky_relu(inputs, self.negative_slope)

    def get_config(self):
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """x where positive, else alpha * (exp(x) - 1).   any shape

    Example:
        >>> import numpy as np
        >>> ELU()(np.array([[-1.0, 2.0]], "float32")).round(4)
        array([[-0.6321,  2.    ]], dtype=float32)

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016.
    """

    @accepts(alpha=NUMBER)
    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return ops.elu(inputs, self.alpha)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """x where positive, else alpha * x, with a trained alpha for each place of a sample.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: for alpha.
        shared_axes: axes, counted from 1, along which alpha is one number: `[1, 2]` for one a channel of images.

    Source: He et al. (2015), Delving deep into rectifiers.

    Example:
        >>> import numpy as np
        >>> PReLU(alpha_initializer="ones")(np.array([[-2.0, 3.0]], "float32"))
        array([[-2.,  3.]], dtype=float32)
    """

    @accepts(shared_axes=optional(AXES))
    def __init__(
        self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None:
            shared_axes = list(shared_axes) if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = shared_axes

    def build(self, input_shape):
        shared = self.shared_axes or []
        if any(not 0 < axis < len(input_shape) for axis in shared):
            raise ArgumentError(
                f"layer {self.name!r} (PReLU): shared_axes {shared} must lie between 1 and {len(input_shape) - 1} for "
                f"an input of shape {tuple(input_shape)}."
            )
        shape = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        if None in shape:
            raise ShapeError(
                f"layer {self.name!r} (PReLU): alpha would have shape {tuple(shape)}; an input of shape "
                f"{tuple(input_shape)} has an unknown length.",
                next="put the axis into shared_axes, or give Input its length.",
            )
        self.alpha = self.add_weight(
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        axes = {axis: n for axis, n in enumerate(input_shape) if axis and axis not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs):
        below = ops.relu(ops.negative(inputs))
        return ops.subtract(ops.relu(inputs), ops.multiply(self.alpha, below))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


#: What a place outside the mask has before the softmax: far below any score, far above overflow.
LOWEST = {"float32": -1e30, "float64": -1e300}


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along an axis or axes, over the places where the mask is true; 0 elsewhere.

    Called as `layer(x, mask=None)`, the mask of the shape of x.

    Example:
        >>> import numpy as np
        >>> x, mask = np.zeros((1, 3), "float32"), np.array([[True, True, False]])
        >>> Softmax()(x, mask=mask).tolist()
        [[0.5, 0.5, 0.0]]
    """

    @accepts(axis=AXES)
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs, mask=None):
        if mask is None:
            return ops.softmax(inputs, axis=self.axis)
        self._check_mask(inputs, mask)
        if ops.dtype(mask) != "bool":
            mask = ops.greater(mask, 0.5)
        lowest = LOWEST[ops.dtype(inputs)]
        return ops.where(mask, ops.softmax(ops.where(mask, inputs, lowest), axis=self.axis), 0.0)

    def _check_mask(self, inputs, mask):
        shape, wanted = tuple(mask.shape), tuple(inputs.shape)
        aligned = wanted[len(wanted) - len(shape) :]
        if len(shape) > len(wanted) or any(m not in (1, n) for m, n in zip(shape, aligned, strict=True)):
            raise ShapeError(
                f"layer {self.name!r} (Softmax): a mask of shape {shape} does not broadcast to inputs of {wanted}."
            )

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
