"""Logs: from what a step returns to numbers by name, in the orders that Keras gives them."""

from __future__ import annotations

import numpy as np

from nbkeras import device
from nbkeras.errors import ArgumentTypeError
from nbkeras.ops.common import is_tensor


def check_logs(logs, name: str):
    """Logs as a step must return them: a dict.

    Args:
        logs: what the step returned.
        name: of the model.
    """
    if not isinstance(logs, dict):
        raise ArgumentTypeError(
            f"model {name!r}: a step must return a dict of logs, got {type(logs).__name__}.",
            next="return {m.name: m.result() for m in self.metrics}.",
        )
    for key, value in logs.items():
        if value is None or isinstance(value, (str, bytes, list, tuple)):
            raise ArgumentTypeError(
                f"model {name!r}: the logs of a step must be numbers or tensors, got {value!r} for {key!r}.",
                next="leave it out, or return a number.",
            )
    return logs


def numbers(logs: dict) -> dict:
    """Logs as Python floats; nested dicts are flattened, arrays stay arrays.

    Example:
        >>> numbers({"loss": np.float32(0.5), "scores": {"f1": 1}})
        {'loss': 0.5, 'f1': 1.0}
    """
    values = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            values.update(numbers(value))
            continue
        host = np.asarray(device.backend().to_host(value) if is_tensor(value) else value)
        values[name] = float(host) if host.ndim == 0 else np.array(host)
    return values


def in_order(logs: dict, metrics) -> float | list:
    """The values of logs as `evaluate` lists them: in the metrics' order, then the others by name.

    Args:
        logs: values by name.
        metrics: the model's metrics; the first is the loss.

    Returns:
        A list, or the value alone if there is one.
    """
    names = []
    for metric in metrics:
        names += [part.name for part in metric.metrics] if metric.name == "compile_metrics" else [metric.name]
    # Two outputs' metrics of the same name are logged under other names, which come by the alphabet, as in Keras.
    values = [logs[name] for name in names if name in logs]
    values += [logs[name] for name in sorted(logs) if name not in names]
    return values[0] if len(values) == 1 else values
