"""Layers that normalize each sample by itself."""

from __future__ import annotations

import warnings

from nbkeras import constraints, initializers, ops, regularizers
from nbkeras.arguments import AXES, FLAG, INTEGER, SIZE, accepts
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer
from nbkeras.ops.common import axis_of, floating


class _Normalization(Layer):
    """What the layers with a scale `gamma` and an offset `beta` share."""

    def __init__(
        self,
        axis,
        epsilon,
        center,
        scale,
        beta_initializer,
        gamma_initializer,
        beta_regularizer,
        gamma_regularizer,
        beta_constraint,
        gamma_constraint,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma = self.beta = None

    def _who(self) -> str:
        return f"layer {self.name!r} ({type(self).__name__})"

    def _add_vectors(self, shape, scale=True, center=True):
        for name, wanted in (("gamma", self.scale and scale), ("beta", self.center and center)):
            if wanted:
                weight = self.add_weight(
                    shape=shape,
                    name=name,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                )
                setattr(self, name, weight)

    def compute_output_shape(self, input_shape):
        for axis in self.axis if isinstance(self.axis, (list, tuple)) else [self.axis]:
            axis_of(axis, len(input_shape), self._who())
        return tuple(input_shape)

    def get_config(self):
        made = {name: getattr(self, name) for name in ("axis", "epsilon", "center", "scale")}
        for name in ("beta", "gamma"):
            made[f"{name}_initializer"] = initializers.serialize(getattr(self, f"{name}_initializer"))
            made[f"{name}_regularizer"] = regularizers.serialize(getattr(self, f"{name}_regularizer"))
            made[f"{name}_constraint"] = constraints.serialize(getattr(self, f"{name}_constraint"))
        return {**super().get_config(), **made}


class LayerNormalization(_Normalization):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with each sample's statistics along axes.

    Args:
        axis: the axis, or axes, that are normalized; gamma and beta have their shape.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: names, objects or functions.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: applied after each update.
        rms_scaling: x / sqrt(variance + epsilon) * gamma, without mean and beta, as older models have it.

    Example:
        >>> import numpy as np
        >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]], "float32"))
        array([[-1.,  1.]], dtype=float32)

    Source: Ba, Kiros and Hinton (2016), Layer normalization.
    """

    @accepts(epsilon=SIZE, center=FLAG, scale=FLAG)
    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if not isinstance(axis, (int, list, tuple)):
            raise ArgumentTypeError(f"{self._who()}: axis must be a whole number or a list of them, got {axis!r}.")
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.rms_scaling = rms_scaling
        if rms_scaling:
            warnings.warn(
                f"{self._who()}: rms_scaling=True divides by the standard deviation, not by the root mean square.\n"
                "  Next: use RMSNormalization.",
                UserWarning,
                stacklevel=2,
            )

    def build(self, input_shape):
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        rank = len(input_shape)
        shape = tuple(input_shape[a] for a in sorted(axis_of(a, rank, self._who()) for a in self.axis))
        if None in shape:
            raise ShapeError(
                f"{self._who()}: the axes {self.axis} of the input must be known, got shape {tuple(input_shape)}.",
                next="give Input a shape in which they are numbers.",
            )
        self._add_vectors(shape, scale=self.scale or self.rms_scaling, center=not self.rms_scaling)

    def call(self, inputs):
        return ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )

    def get_config(self):
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


class GroupNormalization(_Normalization):
    """`LayerNormalization` over groups of neighbouring channels and all places; gamma and beta a channel.

    Args:
        groups: how many groups of channels there are; -1 for one a channel (instance normalization).
        axis: the channels.
        epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint: as in `LayerNormalization`.

    Example:
        >>> import numpy as np
        >>> GroupNormalization(groups=2, epsilon=0.0)(np.array([[1.0, 3.0, 10.0, 20.0]], "float32"))
        array([[-1.,  1., -1.,  1.]], dtype=float32)

    Source: Wu and He (2018), Group normalization.
    """

    @accepts(groups=INTEGER, axis=INTEGER, epsilon=SIZE, center=FLAG, scale=FLAG)
    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ArgumentError(f"{self._who()}: groups must be a positive whole number or -1, got {groups!r}.")
        self.groups = groups

    def build(self, input_shape):
        axis = axis_of(self.axis, len(input_shape), self._who())
        channels = input_shape[axis]
        if channels is None:
            raise ShapeError(
                f"{self._who()}: axis {self.axis} of the input must be known, got shape {tuple(input_shape)}.",
                next="give Input a shape whose channels are a number.",
            )
        self.groups = channels if self.groups == -1 else self.groups
        if channels % self.groups:
            raise ArgumentError(
                f"{self._who()}: {channels} channels cannot be cut into {self.groups} groups of the same size.",
                next="choose a number of groups that divides the channels.",
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self._add_vectors((channels,))

    def call(self, inputs):
        x = floating(inputs)
        axis = axis_of(self.axis, len(x.shape), self._who())
        size = x.shape[axis] // self.groups
        parts = ops.reshape(x, (*x.shape[:axis], self.groups, size, *x.shape[axis + 1 :]))
        axes = [a for a in range(1, len(parts.shape)) if a != axis]
        mean, variance = ops.moments(parts, axes, keepdims=True)
        shape = [1] * len(parts.shape)
        shape[axis], shape[axis + 1] = self.groups, size
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.reshape(self.gamma, shape)
        y = (parts - mean) * factor
        if self.beta is not None:
            y = y + ops.reshape(self.beta, shape)
        return ops.reshape(y, x.shape)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


class RMSNormalization(Layer):
    """x / sqrt(mean(x * x) + epsilon) * scale, along axes.

    Args:
        axis: the axis, or axes, that are normalized; the weight `scale` has their shape.
        epsilon: added to the mean of squares.

    Example:
        >>> import numpy as np
        >>> RMSNormalization(epsilon=0.0)(np.array([[3.0, -3.0]], "float32"))
        array([[ 1., -1.]], dtype=float32)

    Source: Zhang and Sennrich (2019), Root mean square layer normalization.
    """

    @accepts(axis=AXES, epsilon=SIZE)
    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape):
        self.axis = sorted(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        self.scale = self.add_weight(name="scale", shape=[input_shape[a] for a in self.axis], initializer="ones")

    def call(self, inputs):
        return ops.rms_normalization(inputs, scale=self.scale, axis=self.axis, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape):
        for axis in self.axis if isinstance(self.axis, (list, tuple)) else [self.axis]:
            axis_of(axis, len(input_shape), f"layer {self.name!r} (RMSNormalization)")
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Each sample divided by its Euclidean norm along axes.

    Args:
        axis: the axis, or axes.

    Example:
        >>> import numpy as np
        >>> UnitNormalization()(np.array([[3.0, 4.0]], "float32"))
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not AXES.fits(axis):
            raise ArgumentTypeError(
                f"layer {self.name!r} (UnitNormalization): axis must be a whole number or a list of them, got {axis!r}."
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape):
        for axis in [self.axis] if isinstance(self.axis, int) else self.axis:
            axis_of(axis, len(input_shape), f"layer {self.name!r} (UnitNormalization)")
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
