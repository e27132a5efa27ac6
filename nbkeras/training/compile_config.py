"""What a model was compiled with, as plain values and back."""

from __future__ import annotations

from nbkeras import losses, metrics, optimizers
from nbkeras.errors import ArgumentError, NbkerasError, nearest
from nbkeras.saving import budget, registry

#: Arguments of compile that stay as they are.
_PLAIN = ("loss_weights", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")

#: No metric counts in more bins or classes, and no model's metrics take more bytes.
MOST_BINS, MOST_BYTES = 1_000_000, 64 * 2**20


def to_config(arguments: dict) -> dict:
    """Compile's arguments as plain values.

    Raises:
        ArgumentTypeError: a loss, a metric or a schedule is a lambda or has no `get_config`.
    """
    return {name: registry.serialize_keras_object(value) for name, value in arguments.items()}


def from_config(config: dict) -> dict:
    """The arguments of compile.

    Raises:
        ArgumentError: the configuration has an argument that compile does not take, or an unknown name.
    """
    if not isinstance(config, dict):
        raise ArgumentError(f"compile: expected a dict of arguments, got {type(config).__name__}.")
    arguments = {}
    for name, value in config.items():
        if name == "optimizer":
            arguments[name] = value if isinstance(value, (str, type(None))) else optimizers.deserialize(value)
        elif name == "loss":
            arguments[name] = _each(value, losses.deserialize)
        elif name in ("metrics", "weighted_metrics"):
            with budget.limited(MOST_BYTES, "what metrics may take"):
                arguments[name] = _each(value, _metric)
        elif name in _PLAIN:
            arguments[name] = value
        else:
            known = ["optimizer", "loss", "metrics", "weighted_metrics", *_PLAIN]
            raise ArgumentError(f"compile: the configuration has an unknown argument {name!r}; {nearest(name, known)}")
    return arguments


def _each(value, make):
    """Objects in place of their configurations, in a list or dict of them; names stay names."""
    if isinstance(value, dict) and "class_name" in value:
        return make(value)
    if isinstance(value, dict):
        return {key: _each(part, make) for key, part in value.items()}
    if isinstance(value, list):
        return [_each(part, make) for part in value]
    return value


def _metric(config):
    """A metric, or a metric function of the user."""
    settings = config.get("config")
    if isinstance(settings, dict):
        for name, value in settings.items():
            if isinstance(value, (int, float)) and value > MOST_BINS:
                raise ArgumentError(
                    f"metric {config['class_name']!r}: {name}={value!r} is more than a file may ask for."
                )
    try:
        return metrics.deserialize(config)
    except NbkerasError:
        # A function of the user's that is also a metric is looked up among losses in Keras's files.
        if config.get("class_name") == "function":
            return losses.deserialize(config)
        raise
