"""EinsumDense: a dense layer of any contraction."""

from __future__ import annotations

import re

from nbkeras import activations, constraints, initializers, ops, regularizers
from nbkeras.arguments import EXTENTS, INTEGER, NUMBER, TEXT, accepts, either, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.initializers.variance_scaling import VarianceScaling
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.lora import LowRank, adapted

FORMS = (
    ("plain", r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)"),
    ("left", r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)"),
    ("right", r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\."),
)


class EinsumDense(LowRank):
    """activation(einsum(equation, x, kernel) + bias)

    Args:
        equation: as in `ops.einsum`, of the input and the kernel; with `...` before or behind for further axes.
        output_shape: of a sample, without the batch axis and without what `...` stands for; None for an axis that
            the input knows.
        activation: name or function; none by default.
        bias_axes: letters of the output along which a bias is added; no bias by default.
        kernel_initializer, bias_initializer: names, objects or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
        kernel_constraint, bias_constraint: applied after each update.
        lora_rank, lora_alpha: see `enable_lora`.
        gptq_unpacked_column_size, quantization_config: not supported; must be None.

    Raises:
        ArgumentError: the equation has another form, or names an axis whose length nothing says.
        ShapeError: the input does not fit the equation.

    Example:
        >>> import numpy as np
        >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")
        >>> layer(np.ones((2, 3, 5), "float32")).shape
        (2, 3, 4)
    """

    kernel = adapted("kernel")

    @accepts(
        equation=TEXT,
        output_shape=either(INTEGER, EXTENTS),
        bias_axes=optional(TEXT),
        lora_alpha=optional(NUMBER),
    )
    def __init__(
        self,
        equation,
        output_shape,
        activation=None,
        bias_axes=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        gptq_unpacked_column_size=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(lora_rank=lora_rank, lora_alpha=lora_alpha, **kwargs)
        if quantization_config is not None or gptq_unpacked_column_size is not None:
            raise ArgumentError(
                f"layer {self.name!r} (EinsumDense): gptq_unpacked_column_size and quantization_config are not "
                "supported."
            )
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        self.kernel = self.add_weight(
            shape=shapes.kernel,
            initializer=self._spread(shapes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                shape=shapes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._adapt_as_built()

    def _spread(self, shapes):
        """The initializer, told which axes of the kernel are inputs and which outputs."""
        initializer = self.kernel_initializer
        if not isinstance(initializer, VarianceScaling):
            return initializer
        if initializer.input_axes is not None and initializer.output_axes is not None:
            return initializer
        axes = {"input_axes": shapes.input_axes, "output_axes": shapes.output_axes}
        return type(initializer).from_config({**initializer.get_config(), "seed": initializer.seed, **axes})

    def call(self, inputs, training=None):
        y = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            y = y + self.bias
        return self.activation(y)

    def _shapes(self, input_shape):
        return _Shapes(self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape, self.name)

    def compute_output_shape(self, input_shape):
        return self._shapes(input_shape).output

    def get_config(self):
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }


class _Shapes:
    """What an equation says of the shapes.

    Attributes:
        kernel, bias, output: shapes; bias is None without `bias_axes`.
        input_axes, output_axes: axes of the kernel that are summed over, and that are outputs.
    """

    def __init__(self, equation, bias_axes, input_shape, sample_shape, layer):
        who = f"layer {layer!r} (EinsumDense): equation {equation!r}"
        elided, terms = _terms(equation, who)
        inputs, weights, outputs = terms
        extra = len(input_shape) - len(inputs)
        if extra < 0 or (extra and elided == "plain"):
            raise ShapeError(f"{who} does not fit an input of shape {input_shape}.")
        output = _output_shape(input_shape, sample_shape, elided, extra)
        before = extra if elided == "left" else 0
        size_in = {letter: input_shape[before + i] for i, letter in enumerate(inputs)}
        size_out = dict(zip(outputs, output[before:], strict=False))
        for letter, size in size_in.items():
            if size_out.get(letter) not in (None, size):
                raise ShapeError(
                    f"{who}: axis {letter!r} has length {size} in the input but {size_out[letter]} in output_shape."
                )
        # What output_shape leaves open, the input may say.
        size_out = {letter: size_in.get(letter) if n is None else n for letter, n in size_out.items()}
        self.output = (*output[:before], *size_out.values(), *output[before + len(size_out) :])
        for letter in outputs:
            if letter not in inputs and letter not in weights:
                raise ArgumentError(f"{who}: axis {letter!r} of the output is in neither input nor kernel.")
        for letter in weights:
            if letter not in outputs and letter not in inputs:
                raise ArgumentError(f"{who}: axis {letter!r} of the kernel is in neither input nor output.")
        self.kernel = tuple(size_out[letter] if letter in size_out else size_in[letter] for letter in weights)
        if None in self.kernel:
            raise ShapeError(f"{who}: the kernel's shape {self.kernel} has an unknown length.")
        self.output_axes = [i for i, letter in enumerate(weights) if letter in size_out]
        self.input_axes = [i for i, letter in enumerate(weights) if letter not in size_out]
        self.bias = None if bias_axes is None else _bias_shape(bias_axes, outputs, size_out, who)
        if self.bias is not None and elided == "right":
            self.bias += (1,) * extra


def _terms(equation, who):
    for elided, form in FORMS:
        match = re.fullmatch(form, equation)
        if match:
            return elided, match.groups()
    raise ArgumentError(f"{who} must have the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...'.")


def _output_shape(input_shape, sample_shape, elided, extra):
    shape = [input_shape[0], *sample_shape]
    if elided == "left":
        shape[1:1] = input_shape[1:extra]
    elif extra:
        shape += input_shape[-extra:]
    return tuple(shape)


def _bias_shape(bias_axes, outputs, size_out, who):
    strange = [letter for letter in bias_axes if letter not in outputs]
    if strange:
        raise ArgumentError(f"{who}: the bias axis {strange[0]!r} is not in the output {outputs!r}.")
    first = min(outputs.index(letter) for letter in bias_axes)
    return tuple(size_out[letter] if letter in bias_axes else 1 for letter in outputs[first:])
