"""Checks before work begins, so that bad input costs a second and not an epoch."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.training.labels import check_class_labels, check_one_hot_vs_sparse
from nbkeras.training.outputs import Outputs, at


def whole(name: str, value, caller: str, least: int = 1) -> int:
    """A whole number not below `least`, or an error that names the argument."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"{caller}: {name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def validation_epochs(frequency):
    """A function that says whether to validate after an epoch, counted from 0."""
    if isinstance(frequency, Integral):
        every = whole("validation_freq", frequency, "fit")
        return lambda epoch: (epoch + 1) % every == 0
    chosen = set(frequency)
    return lambda epoch: epoch + 1 in chosen


def check_first_batch(model, source, caller: str) -> None:
    """Build the model for the first batch, and hold the labels against the loss.

    Raises:
        ShapeError: the data does not fit the model.
        DataError: class numbers are out of range, NaN, or one-hot and sparse are mixed up.
    """
    batch = source.peek()
    outputs = model.compute_output_spec_for(batch.x)
    compiled = model._untracked_loss
    if compiled is None or batch.y is None:
        return
    labels = source.columns[1] if source.columns is not None else batch.y
    if not compiled.built:
        compiled.build(batch.y, outputs)
    labels = Outputs(outputs, compiled.output_names).align(labels, "y", compiled.used)
    for path, loss in compiled.losses():
        output, target = at(outputs, path), at(labels, path)
        name = loss.name
        if target is None or name not in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
            continue
        sparse = name.startswith("sparse")
        check_one_hot_vs_sparse(np.shape(target), tuple(output.shape), sparse=sparse, loss_name=name, caller=caller)
        if sparse:
            ignored = getattr(loss, "ignore_class", None)
            check_class_labels(np.asarray(target), output.shape[-1], name, ignore_class=ignored, caller=caller)
