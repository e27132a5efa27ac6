"""Embedding: a row of a table for each whole number."""

from __future__ import annotations

import warnings

import numpy as np

from nbkeras import constraints, initializers, ops, regularizers
from nbkeras.arguments import FLAG, NUMBER, accepts, optional
from nbkeras.errors import ArgumentError, DataError
from nbkeras.layers.lora import LowRank, adapted


class Embedding(LowRank):
    """The rows of a table at the numbers given.   x (...) -> (..., output_dim)

    The gradient adds up, row by row, what the places with the same number get. Negative numbers count from the last
    row. Numbers outside of the table are an error where the layer is called on arrays; inside of a compiled step,
    such as that of `fit`, nothing can be checked: they are brought to the nearest row there is.

    Args:
        input_dim: rows of the table: the largest number plus one.
        output_dim: length of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: for the table.
        mask_zero: 0 is padding; the layers after this one are told by a mask.
        weights: the table's first values, (input_dim, output_dim).
        lora_rank, lora_alpha: see `enable_lora`.
        quantization_config: not supported; must be None.

    Raises:
        ArgumentError: a size is no positive whole number.
        DataError: a number is outside of the table.

    Example:
        >>> import numpy as np
        >>> layer = Embedding(10, 3, mask_zero=True)
        >>> y = layer(np.array([[4, 2, 0]]))
        >>> y.shape, y._keras_mask.tolist()
        ((1, 3, 3), [[True, True, False]])
    """

    large = "embeddings"
    embeddings = adapted("embeddings")

    @accepts(mask_zero=FLAG, lora_alpha=optional(NUMBER))
    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        if kwargs.get("input_length") is not None:
            warnings.warn("Embedding: the argument input_length is no longer needed; leave it out.", stacklevel=2)
        super().__init__(lora_rank=lora_rank, lora_alpha=lora_alpha, **kwargs)
        for name, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
                raise ArgumentError(
                    f"layer {self.name!r} (Embedding): {name} must be a positive whole number, got {size!r}."
                )
        if quantization_config is not None:
            raise ArgumentError(f"layer {self.name!r} (Embedding): quantization_config is not supported.")
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        # The inputs are numbers of rows, whatever the dtype of the table.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape=None):
        if self.built:
            return
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )
        self._adapt_as_built()

    def call(self, inputs):
        if isinstance(inputs, np.ndarray) and inputs.size:
            low, high = inputs.min(), inputs.max()
            if low < -self.input_dim or high >= self.input_dim:
                raise DataError(
                    f"layer {self.name!r} (Embedding): index {high if high >= self.input_dim else low} is outside the "
                    f"table of {self.input_dim} rows.",
                    next="give a larger input_dim, or map unknown numbers to a row of their own.",
                )
        return self._taken(ops.cast(inputs, "int32"))

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }
