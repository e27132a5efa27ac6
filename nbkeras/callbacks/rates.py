"""Learning rates of a model: one, or one of each optimizer in a `MultiOptimizer`."""

from __future__ import annotations


def optimizers_of(model) -> dict:
    """The optimizers that have a learning rate, by the name that it has in logs.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> rules = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.5, name="sgd"))
        >>> model.compile(keras.optimizers.MultiOptimizer(rules), "mse")
        >>> {name: float(optimizer.learning_rate) for name, optimizer in optimizers_of(model).items()}
        {'learning_rate_sgd': 0.5}
    """
    optimizer = model.optimizer
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(inner, "optimizers"):
        return {f"learning_rate_{own.name}": own for own in inner.optimizers}
    return {"learning_rate": optimizer}


def learning_rates(model) -> dict[str, float]:
    """The learning rates by their names in logs."""
    return {name: float(optimizer.learning_rate) for name, optimizer in optimizers_of(model).items()}
