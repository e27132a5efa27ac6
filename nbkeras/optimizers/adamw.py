"""Adam with decoupled weight decay."""

from __future__ import annotations

from nbkeras.arguments import DECAY, FLAG, SIZE, accepts
from nbkeras.errors import ArgumentError
from nbkeras.optimizers.adam import Adam


class AdamW(Adam):
    """Adam whose weight decay is not part of the gradient.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: each step takes this part of learning_rate * weight off each weight.
        beta_1, beta_2, epsilon, amsgrad: see `Adam`.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.AdamW(0.5, weight_decay=0.1).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.45, 1.9 ], dtype=float32)

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """

    @accepts(beta_1=DECAY, beta_2=DECAY, epsilon=SIZE, amsgrad=FLAG)
    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        if weight_decay is None:
            raise ArgumentError(f"optimizer {self.name!r}: expected weight_decay to be a number, got None.")
