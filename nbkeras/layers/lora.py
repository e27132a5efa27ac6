"""LoRA: a large weight stays as it is, and the product of two small matrices that is added to it is trained."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import is_whole
from nbkeras.errors import ArgumentError, MissingAttribute, StateError
from nbkeras.layers.layer import Layer
from nbkeras.saving import budget


def adapted(name: str) -> property:
    """The attribute that holds a layer's weight of this name; with LoRA it reads as the weight and what is added."""

    def get(layer):
        weight = vars(layer).get(f"_{name}")
        if weight is None:
            raise MissingAttribute(
                f"layer {layer.name!r} ({type(layer).__name__}) has no {name} before it is built.",
                next="call the layer on data, or build(input_shape).",
            )
        return weight + layer._added() if layer.lora_enabled else weight

    def set_(layer, weight):
        vars(layer)[f"_{name}"] = weight

    return property(get, set_)


class LowRank(Layer):
    """The base of layers whose large weight can be adapted by training far fewer numbers.

    Files keep the sum of the weight and what is added to it, so that they fit a layer without LoRA.

    Args:
        lora_rank: rows of the small matrices; they are made with the layer, or by `enable_lora`.
        lora_alpha: their product counts lora_alpha / lora_rank times; lora_rank by default.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021).
    """

    #: The name of the weight; the attribute is `adapted`.
    large = "kernel"

    def __init__(self, *args, lora_rank=None, lora_alpha=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.lora_enabled = False
        self._set_lora(lora_rank, lora_alpha)

    def _set_lora(self, rank, alpha):
        if rank is not None and not (is_whole(rank) and rank > 0):
            raise ArgumentError(f"{self._who()}: lora_rank must be a positive whole number, got {rank!r}.")
        self.lora_rank, self.lora_alpha = rank, rank if alpha is None else alpha

    def enable_lora(self, rank, lora_alpha=None, a_initializer="he_uniform", b_initializer="zeros") -> None:
        """Freeze the layer's large weight, and add the product of two small matrices to it, which are trained.

        Args:
            rank: rows of the small matrices.
            lora_alpha: their product counts lora_alpha / rank times; rank by default.
            a_initializer, b_initializer: of the first and the second matrix. With zeros the layer is what it was.

        Raises:
            StateError: the layer is not built, or adapted already.
            ArgumentError: its weight has a constraint.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(50)])
            >>> model.layers[0].enable_lora(2)
            >>> [(w.name, w.shape) for w in model.trainable_weights]
            [('bias', (50,)), ('lora_kernel_a', (100, 2)), ('lora_kernel_b', (2, 50))]
        """
        if not self.built:
            raise StateError(
                f"{self._who()}: enable_lora before the layer is built.",
                next="call the layer on data, or build(input_shape).",
            )
        if self.lora_enabled:
            raise StateError(f"{self._who()}: LoRA is enabled already, with rank {self.lora_rank}.")
        self._refuse_constraint()
        self._set_lora(rank, lora_alpha)
        self._tracker.unlock()
        self._add_small(a_initializer, b_initializer)
        self._tracker.lock()

    def _adapt_as_built(self):
        """The last of `build`: the small matrices that the constructor asked for."""
        if self.lora_rank is not None:
            self._refuse_constraint()
            self._add_small("he_uniform", "zeros")

    def _refuse_constraint(self):
        if getattr(self, f"{self.large}_constraint") is not None:
            raise ArgumentError(
                f"{self._who()}: LoRA leaves no sense to {self.large}_constraint, as {self.large} is not trained.",
                next=f"make the layer without {self.large}_constraint.",
            )

    def _add_small(self, a_initializer, b_initializer):
        weight, regularizer = self._large, getattr(self, f"{self.large}_regularizer")
        shapes = {"a": (*weight.shape[:-1], self.lora_rank), "b": (self.lora_rank, weight.shape[-1])}
        # No file has them.
        with budget.drawn():
            for side, initializer in (("a", a_initializer), ("b", b_initializer)):
                name = f"lora_{self.large}_{side}"
                setattr(self, name, self.add_weight(shapes[side], initializer, regularizer=regularizer, name=name))
        weight.trainable = False
        self.lora_enabled = True

    @property
    def _large(self):
        return vars(self)[f"_{self.large}"]

    @property
    def _small(self):
        return getattr(self, f"lora_{self.large}_a"), getattr(self, f"lora_{self.large}_b")

    def _added(self, rows=None):
        """What LoRA adds to the weight, or to its rows of these numbers."""
        a, b = self._small
        a = a if rows is None else ops.take(a, rows, axis=0)
        return self.lora_alpha / self.lora_rank * ops.matmul(a, b)

    def _taken(self, rows):
        """Rows of the weight by their numbers; of what is added to it nothing else is computed."""
        found = ops.take(self._large, rows, axis=0)
        return found + self._added(rows) if self.lora_enabled else found

    def _weights_in_files(self):
        small = {id(matrix) for matrix in self._small} if self.lora_enabled else ()
        return [weight for weight in super()._weights_in_files() if id(weight) not in small]

    def save_own_variables(self, store):
        for i, weight in enumerate(self._weights_in_files()):
            store[str(i)] = getattr(self, self.large) if weight is self._large else weight

    def _weights_were_read(self):
        if self.lora_enabled:
            # The weight has what the file's model had added to it.
            self._small[1].assign(ops.zeros(self._small[1].shape))

    def get_config(self):
        config = super().get_config()
        if self.lora_rank is not None:
            config.update(lora_rank=self.lora_rank, lora_alpha=self.lora_alpha)
        return config
