"""stateless_call: a layer as a function of its variables' values."""

from __future__ import annotations

from nbkeras.errors import ArgumentError
from nbkeras.graph.stateless import stateless


class Stateless:
    """The part of a layer that is a pure function."""

    def stateless_call(
        self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs
    ):
        """Call as if the variables had other values; the layer's own stay as they are.

        Args:
            trainable_variables, non_trainable_variables: values, in the order of the properties of these names.
            args, kwargs: of the call.
            return_losses: return the losses of the call too.

        Returns:
            The outputs and the values of the non-trainable variables after the call; with `return_losses` a list of
            losses behind them.

        Raises:
            ArgumentError: there are more or fewer values than variables.

        Example:
            >>> import numpy as np
            >>> from nbkeras.layers import Dense
            >>> layer = Dense(1, use_bias=False)
            >>> layer.build((None, 2))
            >>> y, _ = layer.stateless_call([np.array([[1.0], [2.0]], "float32")], [], np.ones((1, 2), "float32"))
            >>> y
            array([[3.]], dtype=float32)
        """
        variables, values = [], []
        for what, given in (("trainable", trainable_variables), ("non_trainable", non_trainable_variables)):
            own = getattr(self, f"{what}_variables")
            if len(own) != len(given):
                raise ArgumentError(
                    f"layer {self.name!r}: stateless_call takes {len(own)} {what}_variables, got {len(given)}.",
                    next="build the layer first, and pass the values in the order of its variables.",
                )
            variables += own
            values += list(given)

        def call():
            return self(*args, **kwargs), list(self.losses) if return_losses else []

        (outputs, losses), after = stateless(call, variables, values)
        fixed = after[len(trainable_variables) :]
        return (outputs, fixed, losses) if return_losses else (outputs, fixed)
