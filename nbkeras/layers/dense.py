"""Dense: every output sees every input."""

from __future__ import annotations

from nbkeras import activations, constraints, initializers, regularizers
from nbkeras.arguments import FLAG, NUMBER, accepts, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.lora import LowRank, adapted
from nbkeras.ops import products


class Dense(LowRank):
    """activation(x @ kernel + bias).   x (..., F) -> (..., units)

    Args:
        units: the number of outputs.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: names, objects or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
        kernel_constraint, bias_constraint: applied after each update.
        lora_rank, lora_alpha: see `enable_lora`.
        quantization_config: not supported; must be None.

    Example:
        >>> import numpy as np
        >>> Dense(3, activation="relu")(np.ones((2, 5), "float32")).shape
        (2, 3)
    """

    kernel = adapted("kernel")

    @accepts(use_bias=FLAG, lora_alpha=optional(NUMBER))
    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(
            activity_regularizer=activity_regularizer, lora_rank=lora_rank, lora_alpha=lora_alpha, **kwargs
        )
        if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
            raise ArgumentError(f"layer {self.name!r} (Dense): units must be a positive whole number, got {units!r}.")
        if quantization_config is not None:
            raise ArgumentError(f"layer {self.name!r} (Dense): quantization_config is not supported.")
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        features = input_shape[-1]
        if features is None:
            raise ShapeError(
                f"layer {self.name!r} (Dense): the last axis of the input must be known, got shape {input_shape}.",
                next="give Input a shape whose last axis is a number.",
            )
        self.kernel = self.add_weight(
            shape=(features, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self._adapt_as_built()

    def call(self, inputs, training=None):
        x = products.affine(inputs, self.kernel, self.bias)
        return x if self.activation is None else self.activation(x)

    def _misfit(self, problem, shape):
        if self.built and len(shape) >= 2:
            features = self.kernel.shape[0]
            return f"{self._who()} was built for {features} input features but got shape {shape}."
        return super()._misfit(problem, shape)

    def _misfit_advice(self, spec, value):
        if self.built and len(value.shape) >= 2:
            features = value.shape[-1]
            return f"rebuild the model for {features} features, or slice or flatten the input. See model.summary()."
        return "give the input an axis of features: shape (samples, features)."

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }
