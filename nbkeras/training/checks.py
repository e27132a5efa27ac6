"""Checks before work begins, so that bad input costs a second and not an epoch."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral

from nbkeras import losses, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError, StateError
from nbkeras.graph import keras_tensor
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.training.labels import check_class_labels, check_one_hot_vs_sparse
from nbkeras.training.outputs import Outputs, at
from nbkeras.utils.data import pack_x_y_sample_weight


def whole(name: str, value, caller: str, least: int = 1) -> int:
    """A whole number not below `least`, or an error that names the argument.

    Example:
        >>> whole("epochs", 3, "fit")
        3
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"{caller}: {name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def check_sizes(**counts) -> None:
    """Whole numbers of at least 1, or None."""
    for name, value in counts.items():
        if value is not None:
            whole(name, value, "fit")


def validation_epochs(frequency):
    """A function that says whether to validate after an epoch, counted from 0.

    Example:
        >>> [validation_epochs(2)(epoch) for epoch in range(4)], validation_epochs([1, 4])(3)
        ([False, True, False, True], True)
    """
    if isinstance(frequency, Integral):
        every = whole("validation_freq", frequency, "fit")
        return lambda epoch: (epoch + 1) % every == 0
    if not isinstance(frequency, Iterable) or isinstance(frequency, str):
        raise ArgumentTypeError(f"fit: validation_freq must be a whole number or a list of epochs, got {frequency!r}.")
    chosen = set(frequency)
    return lambda epoch: epoch + 1 in chosen


def need_optimizer(model) -> None:
    """Refuse to train without an optimizer."""
    if model.optimizer is None:
        raise StateError(
            f"model {model.name!r}: fit needs an optimizer, but compile was given None.",
            next="compile with an optimizer such as 'adam'.",
        )


def check_first_batch(model, source, caller: str) -> None:
    """Build the model for a source's first batch, hold all its labels against the loss, and try a step of evaluation.

    Raises:
        ShapeError: the data does not fit the model.
        DataError: labels are missing, out of range or NaN, or one-hot and sparse are mixed up.
    """
    batch = source.peek()
    check = label_check(model, batch, caller)
    check(source.columns[1] if source.columns is not None else batch.y)
    if not model.run_eagerly:
        rehearse(model, batch)


def label_check(model, batch, caller: str):
    """Build the model, its losses and metrics for a batch; returns a function that checks labels of such batches.

    Args:
        model: a compiled model.
        batch: its first batch.
        caller: the method the user called, for messages.
    """
    outputs = model.compute_output_spec_for(batch.x)
    compiled = model._compile_loss
    if compiled is None:
        return lambda y: None
    if batch.y is None:
        raise DataError(
            f"{caller}: model {model.name!r} is compiled with a loss, but there are no labels.",
            next="pass y, or let the data yield (x, y) batches.",
        )
    if model._has_own_loss():
        # The model's own compute_loss may compare other outputs and labels than these.
        return lambda y: None
    if not compiled.built:
        compiled.build(batch.y, outputs)
    wanted = Outputs(outputs, compiled.output_names)
    rules = []
    for path, loss in compiled.losses():
        function = getattr(loss, "fn", None)
        sparse = function is losses.sparse_categorical_crossentropy
        if sparse or function is losses.categorical_crossentropy:
            rules.append((path, loss, sparse, (None, *at(outputs, path).shape[1:])))

    def check(y):
        if not rules:
            return
        labels = wanted.align(y, "y", compiled.used)
        for path, loss, sparse, shape in rules:
            target = at(labels, path)
            if target is not None:
                check_one_hot_vs_sparse(target.shape, shape, sparse=sparse, loss_name=loss.fn.__name__, caller=caller)
                if sparse:
                    ignored = loss._fn_kwargs.get("ignore_class")
                    check_class_labels(target, shape[-1], loss.fn.__name__, ignore_class=ignored, caller=caller)

    return check


def rehearse(model, batch) -> None:
    """Trace a step of evaluation without running it: what does not fit fails here, before any training.

    Once for batches of a shape: a fit of few batches should not pay for it each time.

    Args:
        model: a compiled model.
        batch: NumPy arrays.
    """

    def placeholder(leaf):
        return None if leaf is None else KerasTensor(leaf.shape, str(leaf.dtype))

    data = tree.map_structure(placeholder, pack_x_y_sample_weight(*batch))
    key = f"rehearsal of {data}"
    if key not in model._untracked_specs:
        keras_tensor.infer(model.test_step, (data,), {})
        model._untracked_specs[key] = True
