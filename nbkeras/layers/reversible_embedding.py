"""ReversibleEmbedding: whole numbers to rows of a table, and back to a score for each number."""

from __future__ import annotations

from nbkeras import dtype_policies, ops
from nbkeras.arguments import FLAG, POSITIVE, accepts, optional
from nbkeras.graph.masks import with_mask
from nbkeras.layers.embedding import Embedding


class ReversibleEmbedding(Embedding):
    """Row i of a table for a number i; with `reverse=True` the score of each row for a vector.

    (...) -> (..., output_dim), and (..., output_dim) -> (..., input_dim)

    Args:
        input_dim: number of rows.
        output_dim: length of a row.
        tie_weights: score with the table itself, not with a matrix of its own.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: names, objects or functions.
        mask_zero: the number 0 is padding; the embedded output carries the mask.
        reverse_dtype: dtype that scores are computed in; the layer's by default.
        logit_soft_cap: scores bend so that they stay within this, `cap * tanh(scores / cap)`.

    Example:
        >>> import numpy as np
        >>> layer = ReversibleEmbedding(5, 2)
        >>> vectors = layer(np.array([[1, 4, 0]]))
        >>> vectors.shape, layer(vectors, reverse=True).shape
        ((1, 3, 2), (1, 3, 5))

    Source: Press and Wolf, "Using the Output Embedding to Improve Language Models" (2017).
    """

    @accepts(tie_weights=FLAG, logit_soft_cap=optional(POSITIVE))
    def __init__(
        self,
        input_dim,
        output_dim,
        tie_weights=True,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        reverse_dtype=None,
        logit_soft_cap=None,
        **kwargs,
    ):
        # Before all else: with weights=... the layer is built at once.
        self.tie_weights = tie_weights
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.reverse_dtype = reverse_dtype
        self._score_dtype = None if reverse_dtype is None else dtype_policies.get(reverse_dtype).compute_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape=None):
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name="reverse_embeddings")

    def call(self, inputs, reverse=False):
        if not reverse:
            return with_mask(super().call(inputs), super().compute_mask(inputs))
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self._score_dtype is not None:
            inputs, kernel = ops.cast(inputs, self._score_dtype), ops.cast(kernel, self._score_dtype)
        scores = ops.matmul(inputs, kernel)
        cap = self.logit_soft_cap
        return scores if cap is None else cap * ops.tanh(scores / cap)

    def compute_mask(self, inputs, mask=None):
        """None: `call` alone knows whether numbers came or vectors."""
        return None

    def compute_output_shape(self, input_shape, reverse=False):
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return super().compute_output_shape(input_shape)

    def get_config(self):
        names = ("tie_weights", "reverse_dtype", "logit_soft_cap")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
