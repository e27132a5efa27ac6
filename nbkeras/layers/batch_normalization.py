"""BatchNormalization: channels with the statistics of the batch, or of the batches before."""

from __future__ import annotations

import copy

from nbkeras import config, constraints, initializers, ops, regularizers
from nbkeras.arguments import DICTIONARY, FLAG, INTEGER, SHARE, SIZE, accepts, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer
from nbkeras.ops.common import axis_of, floating
from nbkeras.ops.normalizing import batch_normalized


class BatchNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each place of one axis.   any shape -> the same

    While training, mean and variance are those of the batch, and the moving ones approach them:
    moving = moving * momentum + batch * (1 - momentum). Otherwise, and always where `trainable` is False, they are the
    moving ones.

    Args:
        axis: the axis that keeps its own statistics: the channels.
        momentum: how slowly the moving statistics change.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: names, objects or
            functions.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: applied after each update.
        renorm: normalize with the moving statistics while training too, by factors that count as constants.
        renorm_clipping: bounds of these factors: a dict of 'rmin', 'rmax' and 'dmax'.
        renorm_momentum: how slowly the statistics for `renorm` change.
        synchronized: statistics over several processes; not supported.

    Raises:
        ArgumentError: synchronized, or bounds that are not bounds.

    Example:
        >>> import numpy as np
        >>> BatchNormalization(epsilon=0.0)(np.array([[1.0], [3.0]], "float32"), training=True)
        array([[-1.],
               [ 1.]], dtype=float32)

    Source: Ioffe and Szegedy (2015), Batch normalization; Ioffe (2017), Batch renormalization.
    """

    @accepts(
        axis=INTEGER,
        momentum=SHARE,
        epsilon=SIZE,
        center=FLAG,
        scale=FLAG,
        renorm=FLAG,
        renorm_clipping=optional(DICTIONARY),
        renorm_momentum=SHARE,
        synchronized=FLAG,
    )
    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if synchronized:
            raise ArgumentError(
                f"layer {self.name!r} (BatchNormalization): synchronized=True is not supported.",
                next="leave it out; each process then has the statistics of its own part of the batch.",
            )
        self.axis = int(axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale, self.synchronized = center, scale, synchronized
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = self._bounds(renorm_clipping or {}) if renorm else renorm_clipping
        self.supports_masking = True
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

    def _bounds(self, bounds):
        who = f"layer {self.name!r} (BatchNormalization): renorm_clipping"
        unknown = set(bounds) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ArgumentError(f"{who} takes 'rmin', 'rmax' and 'dmax', got {sorted(unknown)}.")
        low, high, most = (bounds.get(name) for name in ("rmin", "rmax", "dmax"))
        if low is not None and high is not None and high < low:
            raise ArgumentError(f"{who}: rmax must not be below rmin, got {high} and {low}.")
        if most is not None and most < 0:
            raise ArgumentError(f"{who}: dmax must not be negative, got {most}.")
        return dict(bounds)

    def build(self, input_shape):
        channels = input_shape[axis_of(self.axis, len(input_shape), f"layer {self.name!r} (BatchNormalization)")]
        if channels is None:
            raise ShapeError(
                f"layer {self.name!r} (BatchNormalization): axis {self.axis} of the input must be known, got shape "
                f"{tuple(input_shape)}.",
                next="give Input a shape whose channels are a number.",
            )
        for name, wanted in (("gamma", self.scale), ("beta", self.center)):
            if wanted:
                weight = self.add_weight(
                    shape=(channels,),
                    name=name,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                )
                setattr(self, name, weight)
        self.moving_mean = self._statistic("moving_mean", channels, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", channels, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", channels, self._stddev_initializer)
            mean = copy.copy(self.moving_mean_initializer)
            self.renorm_mean = self._statistic("renorm_mean", channels, mean)
            self.renorm_stddev = self._statistic("renorm_stddev", channels, self._stddev_initializer)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def _statistic(self, name, channels, initializer):
        return self.add_weight(shape=(channels,), name=name, initializer=initializer, trainable=False)

    def _stddev_initializer(self, shape, dtype=None):
        return ops.sqrt(copy.copy(self.moving_variance_initializer)(shape, dtype=dtype))

    def call(self, inputs, training=None, mask=None):
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ShapeError(
                f"layer {self.name!r} (BatchNormalization): a mask must have one axis less than the inputs, got shapes "
                f"{tuple(mask.shape)} and {tuple(inputs.shape)}."
            )
        x = floating(inputs)
        if not training or not self.trainable:
            mean, variance, gamma, beta = self.moving_mean, self.moving_variance, self.gamma, self.beta
            return ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        gamma, beta = (None, None) if self.renorm else (self.gamma, self.beta)
        if mask is None:
            y, mean, variance = batch_normalized(x, gamma, beta, self.axis, self.epsilon)
        else:
            mean, variance = self._masked_moments(x, mask)
            y = ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        if self.renorm:
            return self._renormalized(y, mean, variance)
        self._approach(self.moving_mean, mean, self.momentum)
        self._approach(self.moving_variance, variance, self.momentum)
        return y

    @staticmethod
    def _approach(moving, value, momentum):
        moving.assign(moving * momentum + value * (1.0 - momentum))

    def _masked_moments(self, x, mask):
        """Mean and variance of the places where the mask is true."""
        axis = axis_of(self.axis, len(x.shape), "BatchNormalization")
        axes = [a for a in range(len(x.shape)) if a != axis]
        mask = ops.broadcast_to(ops.cast(ops.expand_dims(mask, -1), "bool"), x.shape)
        count = ops.sum(ops.cast(mask, ops.dtype(x)), axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(mask, x, 0.0), axes, keepdims=True) / count
        distance = ops.where(mask, x - mean, 0.0)
        variance = ops.sum(ops.square(distance), axes, keepdims=True) / count
        return ops.reshape(mean, (x.shape[axis],)), ops.reshape(variance, (x.shape[axis],))

    def _renormalized(self, y, mean, variance):
        """(y * r + d) * gamma + beta: r and d, which count as constants, lead from the batch's to the moving ones."""
        stddev = ops.sqrt(variance + self.epsilon)
        moving = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        r, d = stddev / moving, (mean - self.renorm_mean) / moving
        low, high, most = (self.renorm_clipping.get(name) for name in ("rmin", "rmax", "dmax"))
        r = r if low is None else ops.maximum(r, low)
        r = r if high is None else ops.minimum(r, high)
        d = d if most is None else ops.clip(d, -most, most)
        shape = [1] * len(y.shape)
        shape[self.axis] = y.shape[self.axis]
        factor, offset = ops.stop_gradient(r), ops.stop_gradient(d)
        if self.gamma is not None:
            factor, offset = factor * self.gamma, offset * self.gamma
        if self.beta is not None:
            offset = offset + self.beta
        self._approach(self.renorm_mean, mean, self.renorm_momentum)
        self._approach(self.renorm_stddev, stddev, self.renorm_momentum)
        self._approach(self.moving_mean, mean, self.momentum)
        self._approach(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(ops.square(self.moving_stddev) - self.epsilon))
        return y * ops.reshape(factor, shape) + ops.reshape(offset, shape)

    def compute_output_shape(self, input_shape):
        axis_of(self.axis, len(input_shape), f"layer {self.name!r} (BatchNormalization)")
        return tuple(input_shape)

    def get_config(self):
        plain = "axis momentum epsilon center scale synchronized renorm renorm_clipping renorm_momentum".split()
        made = {name: getattr(self, name) for name in plain}
        for name in ("beta", "gamma", "moving_mean", "moving_variance"):
            made[f"{name}_initializer"] = initializers.serialize(getattr(self, f"{name}_initializer"))
        for name in ("beta", "gamma"):
            made[f"{name}_regularizer"] = regularizers.serialize(getattr(self, f"{name}_regularizer"))
            made[f"{name}_constraint"] = constraints.serialize(getattr(self, f"{name}_constraint"))
        return {**super().get_config(), **made}
