"""SpectralNormalization: a layer whose kernel is kept at a spectral norm of 1."""

from __future__ import annotations

from nbkeras import initializers, ops
from nbkeras.arguments import accepts, whole
from nbkeras.errors import ArgumentError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of the layer inside by its greatest singular value, at each call while training.

    The singular value is that of the kernel as a matrix (all other axes, outputs), found by power iteration from the
    vector that the last call left. As in Keras the kernel itself is set.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: steps of the iteration a call.

    Raises:
        ArgumentError: power_iterations is not positive, or the layer has neither weight.

    Example:
        >>> import numpy as np
        >>> from nbkeras.layers import Dense
        >>> layer = SpectralNormalization(Dense(2, kernel_initializer="identity"), power_iterations=20)
        >>> layer.build((None, 2))
        >>> layer.layer.kernel.assign(np.diag([2.0, 1.0]).astype("float32")) is not None
        True
        >>> layer(np.eye(2, dtype="float32"), training=True).round(2)[0]
        array([1., 0.], dtype=float32)

    Source: Miyato et al. (2018), Spectral normalization for generative adversarial networks.
    """

    @accepts(power_iterations=whole(1))
    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        self.power_iterations = power_iterations

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = getattr(self.layer, "kernel", None)
        if self.kernel is None:
            self.kernel = getattr(self.layer, "embeddings", None)
        if self.kernel is None:
            raise ArgumentError(
                f"layer {self.name!r} (SpectralNormalization): {type(self.layer).__name__} has no 'kernel' and no "
                "'embeddings'.",
                next="wrap a layer such as Dense, Conv2D or Embedding.",
            )
        self.kernel_shape = self.kernel.shape
        self.vector_u = self.add_weight(
            shape=(1, self.kernel_shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=self.kernel.dtype,
        )

    def call(self, inputs, training=False):
        if training:
            vector, kernel = self.normalized_weights()
            # nothing to divide by, nothing to normalize
            none = ops.all(ops.equal(self.kernel, 0))
            self.vector_u.assign(ops.where(none, self.vector_u, vector))
            self.kernel.assign(ops.where(none, self.kernel, kernel))
        return ops.cast(self.layer(inputs), ops.dtype(inputs))

    def normalized_weights(self):
        """The vector of the power iteration after a call's steps, and the kernel divided by its singular value."""
        weights = ops.reshape(self.kernel, (-1, self.kernel_shape[-1]))
        u = self.vector_u
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(weights)))
            u = _unit(ops.matmul(v, weights))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        return u, ops.reshape(ops.divide(weights, sigma), self.kernel_shape)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(vector):
    """A row divided by its length; zeros stay."""
    length = ops.sqrt(ops.sum(ops.square(vector)))
    return vector / ops.where(ops.equal(length, 0), 1.0, length)
